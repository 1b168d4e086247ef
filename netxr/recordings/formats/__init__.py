"""Files of other tools, a format a module: plain arrays to be labelled, or recordings that know their labels."""

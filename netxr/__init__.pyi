from netxr import plot as plot
from netxr import report as report
from netxr import tutorial as tutorial
from netxr.arrays import as_activity as as_activity
from netxr.arrays import as_connectivity as as_connectivity
from netxr.coarse import assign_groups as assign_groups
from netxr.coarse import coarsen as coarsen
from netxr.comparison import compare as compare
from netxr.errors import InvalidInput as InvalidInput
from netxr.errors import NetxrError as NetxrError
from netxr.errors import NonFiniteActivity as NonFiniteActivity
from netxr.errors import OutputExists as OutputExists
from netxr.errors import UnreadableFile as UnreadableFile
from netxr.errors import WorkersLost as WorkersLost
from netxr.estimators import lagged_correlation as lagged_correlation
from netxr.headway import progress as progress
from netxr.levels import coarse_moments as coarse_moments
from netxr.loaders import load_activity as load_activity
from netxr.loaders import load_connectivity as load_connectivity
from netxr.matrices import strongest_pairs as strongest_pairs
from netxr.merging import merge_moments as merge_moments
from netxr.moments import lagged_moments as lagged_moments
from netxr.networks import random_connectivity as random_connectivity
from netxr.planning import plan as plan
from netxr.simulation import simulate as simulate
from netxr.store import open as open  # noqa: A004 - netxr.open is its name in public
from netxr.store import save as save
from netxr.sweeps import sweep as sweep

__version__: str

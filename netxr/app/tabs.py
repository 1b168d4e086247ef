"""The tabs of the page, in their order: a new one is a line here."""

from typing import Final

from netxr.app.compare.tab import compare_settings, compare_tab
from netxr.app.frame.page import Tab
from netxr.app.recording.settings import recording_settings
from netxr.app.recording.tab import recording_tab
from netxr.app.sweep.tab import sweep_settings, sweep_tab
from netxr.app.tutorial.tab import TutorialSettings, tutorial_tab

TABS: Final = {
    "Recording": Tab(recording_settings, recording_tab, of_folder=True),
    "Compare": Tab(compare_settings, compare_tab, of_folder=True),
    "Map": Tab(sweep_settings, sweep_tab, of_folder=True),
    "Tutorial": Tab(lambda _session: TutorialSettings(), tutorial_tab),
}

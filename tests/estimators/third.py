"""An estimator of another package: five lines, and the entry point that tells netxr of them."""

ESTIMATOR = """
from netxr import Estimator

covariance = Estimator(
    name="third_covariance",
    function=lambda moments, lag: moments.comoment.sel(lag=lag) / moments["count"].sel(lag=lag),
    long_name="third covariance",
    reference="doi:10.0000/third",
)
"""

POINTS = """
[netxr.estimators]
third_covariance = third_estimators:covariance
third_broken = third_estimators:missing
third_raising = third_raising:made
third_stranger = third_estimators:Estimator
"""


def install(folder):
    """Put a package into a folder that is on sys.path, as an installer would."""
    (folder / "third_estimators.py").write_text(ESTIMATOR, encoding="utf-8")
    (folder / "third_raising.py").write_text("raise OSError('no such library')", encoding="utf-8")
    about = folder / "third_party-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(POINTS, encoding="utf-8")

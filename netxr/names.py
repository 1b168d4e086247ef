"""Every dimension, variable and attribute name that netxr writes or reads.

A name that reaches a user's dataset is spelled here and nowhere else.
"""

from collections.abc import Callable
from typing import Final, Literal, get_args

# --- dimensions -------------------------------------------------------------
NEURON: Final = "neuron"
"""One recorded or simulated unit; after coarse-graining, one group of them."""

TIME: Final = "time"
"""Samples in order, evenly spaced by the ``sampling_interval`` attribute."""

TRIAL: Final = "trial"
"""Independent repetitions: no pair of samples crosses from one trial into the next."""

TARGET: Final = "target"
"""The neuron that an edge points to: the row of a connectivity matrix."""

SOURCE: Final = "source"
"""The neuron that an edge comes from: the column of a connectivity matrix."""

LAG: Final = "lag"
"""Samples by which the target is read after the source."""

BLOCK: Final = "block"
"""Stretches of a recording that follow one another, whose moments are kept apart."""

BLOCK_TIME: Final = "block_time"
"""On ``block``: the middle of each, in the unit of the recording's times."""

EDGE_FRAME: Final = "edge_frame"
"""A frame near the end of a trial, which some lag has no partner for."""

INPUT: Final = "input"
"""A recorded stimulus, behaviour or other signal beside the activity, on the source side."""

INPUT_TARGET: Final = "input_target"
"""The same on the target side."""

EDGE: Final = "edge"
"""A pair of neurons in a list of pairs."""

N_NEURONS: Final = "n_neurons"
"""Sweep axis: size of the network."""

SPARSITY: Final = "sparsity"
"""Sweep axis, and the probability that an entry of the connectivity is zero."""

N_STEPS: Final = "n_steps"
"""Sweep axis: samples a trial."""

N_GROUPS: Final = "n_groups"
"""Sweep axis: groups that the neurons are averaged into; 0 stands for no averaging."""

# --- variables --------------------------------------------------------------
ACTIVITY: Final = "activity"
"""Samples of a recording or simulation, (neuron, time, trial)."""

INPUTS: Final = "inputs"
"""Samples of what was recorded beside the activity, (input, time[, trial])."""

CONNECTIVITY: Final = "connectivity"
"""True connectivity, (target, source[, trial])."""

LAGGED_CORRELATION: Final = "lagged_correlation"
"""Correlation with a source some samples before, ([lag, ][trial, ]target, source)."""

AUTOCORRELATION: Final = "autocorrelation"
"""Correlation of each neuron with itself some samples before, (lag[, trial], neuron)."""

CORRELATION: Final = "correlation"
"""Correlation at lag 0, ([trial, ]target, source)."""

PARTIAL_CORRELATION: Final = "partial_correlation"
"""Estimate: correlation of a pair, all other neurons held fixed."""

REGRESSION: Final = "regression"
"""Estimate: standardised coefficients of a regression of each neuron on the past of all."""

REGRESSION_T: Final = "regression_t"
"""Estimate: those coefficients in units of their standard errors."""

EDGE_PROBABILITY: Final = "edge_probability"
"""Estimate: how likely each pair is to have an edge, by the t of a regression."""

COUNT: Final = "count"
"""Pairs of samples that a lag offers."""

MEAN_TARGET: Final = "mean_target"
"""Mean of each neuron over the samples in which it is the target."""

MEAN_SOURCE: Final = "mean_source"
"""Mean of each neuron over the samples in which it is the source."""

SUMSQ_TARGET: Final = "sumsq_target"
"""Sum of squared deviations from ``mean_target``."""

SUMSQ_SOURCE: Final = "sumsq_source"
"""Sum of squared deviations from ``mean_source``."""

COMOMENT: Final = "comoment"
"""Sum over pairs of the product of both deviations, (target, source)."""

MEAN_LINKED: Final = "mean_linked"
"""Mean of each neuron, read through a link, over the samples in which it is the target."""

SUMSQ_LINKED: Final = "sumsq_linked"
"""Sum of squared deviations from ``mean_linked``."""

COMOMENT_LINKED: Final = "comoment_linked"
"""Sum over pairs of the product of deviations of the target, read through a link, and the source, (target, source)."""

MEAN_INPUT: Final = "mean_input"
"""Mean of each input over the samples in which it is the source."""

MEAN_INPUT_TARGET: Final = "mean_input_target"
"""Mean of each input over the samples in which it is the target."""

SUMSQ_INPUT: Final = "sumsq_input"
"""Sum of squared deviations from ``mean_input``."""

SUMSQ_INPUT_TARGET: Final = "sumsq_input_target"
"""Sum of squared deviations from ``mean_input_target``."""

COMOMENT_INPUT: Final = "comoment_input"
"""Sum over pairs of the product of deviations of a neuron and of an input before it, (target, input)."""

COMOMENT_INPUT_TARGET: Final = "comoment_input_target"
"""Sum over pairs of the product of deviations of an input and of a neuron before it, (input_target, source)."""

COMOMENT_INPUTS: Final = "comoment_inputs"
"""Sum over pairs of the product of deviations of an input and of an input before it, (input_target, input)."""

COMOMENT_LINKED_INPUT: Final = "comoment_linked_input"
"""Sum over pairs of the product of deviations of a neuron, read through a link, and of an input, (target, input)."""

GROUP_SUMSQ_TARGET: Final = "group_sumsq_target"
"""While moments of groups are made: summed squared deviations of each group's average as a target."""

GROUP_SUMSQ_SOURCE: Final = "group_sumsq_source"
"""While moments of groups are made: summed squared deviations of each group's average as a source."""

EDGE_ACTIVITY: Final = "edge_activity"
"""Samples of the edge frames, (neuron, edge_frame)."""

EDGE_INPUT: Final = "edge_input"
"""Samples of the inputs in the edge frames, (input, edge_frame)."""

NOT_TARGET: Final = "not_target"
"""Whether a lag leaves an edge frame out of the target side, (lag, edge_frame)."""

NOT_SOURCE: Final = "not_source"
"""Whether a lag leaves an edge frame out of the source side, (lag, edge_frame)."""

COEFFICIENT: Final = "coefficient"
"""Of a regression: units of the target for one unit of the source, the other sources held fixed."""

STANDARDISED: Final = "standardised"
"""Of a regression: standard deviations of the target for one of the source."""

STANDARD_ERROR: Final = "standard_error"
"""Of a regression: standard error of ``coefficient``."""

T: Final = "t"
"""Coefficient in units of its standard error."""

P_VALUE: Final = "p_value"
"""How often a pair without an edge would look as much like one."""

Q_VALUE: Final = "q_value"
"""Share of false discoveries, at most, among all pairs with a p-value as low."""

Q: Final = "q"
"""On a list of edges: the false discovery rate that it was made at."""

EFFECTIVE_SAMPLES: Final = "effective_samples"
"""How many independent samples say as much of a correlation as those that there are."""

LOWER: Final = "lower"
"""Lower end of a confidence interval of 95 %."""

UPPER: Final = "upper"
"""Upper end of a confidence interval of 95 %."""

EFFECT: Final = "effect"
"""In a list of edges: the estimate of each pair."""

RELIABILITY: Final = "reliability"
"""How alike this estimate and one from as many other samples would be: 1 where it holds no noise."""

HALVES: Final = "halves"
"""Correlation of the estimates from both halves of the samples."""

RELIABILITY_OF_NEURON: Final = "reliability_of_neuron"
"""The same for the pairs of one neuron, as target and as source."""

PEAK: Final = "peak"
"""Of an estimate at several lags: the one that is farthest from zero."""

PEAK_LAG: Final = "peak_lag"
"""The lag of the peak, in samples."""

PEAK_TIME: Final = "peak_time"
"""The lag of the peak, in the unit of the sampling interval."""

N_PEAKS: Final = "n_peaks"
"""Lags at which an estimate is as far from zero as at its peak, up to rounding: 1, or more where several tie."""

RESIDUAL_VARIANCE: Final = "residual_variance"
"""Of a regression: variance of each target that is left, (target)."""

ALPHA: Final = "alpha"
"""Of a regression with a penalty: its strength."""

CONDITION_NUMBER: Final = "condition_number"
"""Of a regression: how strongly the sources depend on one another; 1 where they do not at all."""

DF: Final = "df"
"""Degrees of freedom: samples of a target less parameters."""

GRANGER: Final = "granger"
"""Log of the variance of a target that is left without a source to the one that is left with it."""

F: Final = "f"
"""F of leaving out a source."""

FIRST_STAGE_F: Final = "first_stage_f"
"""F of the instruments for each source, (source)."""

PERTURBATION_EFFECT: Final = "perturbation_effect"
"""What perturbing a source changes of a target, ([trial, ]target, source)."""

PROBABILITY: Final = "probability"
"""How likely a pair is to have an edge."""

PEARSON: Final = "pearson"
"""Score: correlation coefficient of the entries of truth and estimate."""

SPEARMAN: Final = "spearman"
"""Score: correlation of the ranks of the entries."""

KAPPA: Final = "kappa"
"""Score: Cohen's kappa of "is an edge" and "is estimated above the median"."""

ROC_AUC: Final = "roc_auc"
"""Score: chance that an edge is estimated above a pair without one."""

AVERAGE_PRECISION: Final = "average_precision"
"""Score: precision of the highest estimates, averaged over recall of the edges."""

MANTEL: Final = "mantel"
"""Score: Mantel's matrix correlation."""

MANTEL_P: Final = "mantel_p"
"""How often a random permutation of neurons reaches ``mantel``, one-sided."""

RV: Final = "rv"
"""Score: RV coefficient of the column-centred matrices."""

PEARSON_TRANSPOSED: Final = "pearson_transposed"
"""Score: the same for the truth with targets and sources swapped; a direction is found where ``pearson`` is higher."""

SLOPE: Final = "slope"
"""Score: by how much the estimate grows with the weight; noise leaves it as it is, bias does not."""

RMSE: Final = "rmse"
"""Score: root of the mean squared difference of weight and estimate."""

MEAN_WITHOUT_EDGE: Final = "mean_without_edge"
"""Score: mean estimate of pairs without an edge, which is 0 for one without bias."""

ROC_AUC_EXCITATORY: Final = "roc_auc_excitatory"
"""Score: chance that an excitatory edge is estimated above any other pair."""

ROC_AUC_INHIBITORY: Final = "roc_auc_inhibitory"
"""Score: chance that an inhibitory edge is estimated below any other pair."""

MCC: Final = "mcc"
"""Score: Matthews' correlation of "is an edge" and "is above the threshold"."""

F1: Final = "f1"
"""Score: harmonic mean of precision and recall above the threshold."""

THRESHOLD: Final = "threshold"
"""Estimate above which as many pairs lie as there are edges, with ties among them."""

SYMMETRY: Final = "symmetry"
"""Correlation of an estimate with its transpose, without the diagonal: 1 where it tells no direction. Of several
matrices, an attribute of theirs is the highest, but for lag 0."""

N_PAIRS: Final = "n_pairs"
"""Pairs of neurons that entered the elementwise scores."""

N_UNDEFINED: Final = "n_undefined"
"""Pairs of neurons left out, truth or estimate being undefined there."""

N_NEURONS_SHARED: Final = "n_neurons_shared"
"""Neurons that truth and estimate have both."""

N_NEURONS_ONLY_TRUTH: Final = "n_neurons_only_truth"
"""Neurons that the truth has and the estimate has not."""

N_NEURONS_ONLY_ESTIMATE: Final = "n_neurons_only_estimate"
"""Neurons that the estimate has and the truth has not."""

N_TRIALS_SHARED: Final = "n_trials_shared"
"""Trials that truth and estimate have both."""

N_TRIALS_ONLY_TRUTH: Final = "n_trials_only_truth"
"""Trials that the truth has and the estimate has not."""

N_TRIALS_ONLY_ESTIMATE: Final = "n_trials_only_estimate"
"""Trials that the estimate has and the truth has not."""

SCORE_MEAN: Final = "_mean"
"""Ends the name of a score's mean over the trials in which it is defined: ``pearson_mean``."""

SCORE_STD: Final = "_std"
"""Ends the name of a score's population standard deviation over those trials."""

SCORE_DEFINED: Final = "_defined"
"""Ends the name of the number of those trials."""

ONSET: Final = "onset"
"""When the event of a trial was, in the time of the recording, (trial)."""

BAD_FRAMES: Final = "bad_frames"
"""Whether a frame holds a sample that is NaN or infinite, (time[, trial])."""

FINISHED: Final = "finished"
"""Of a sweep: whether a cell's scores are there, (n_neurons, sparsity, n_steps)."""

ASSUMES: Final = "assumes"
"""In the list of estimators: what has to hold for an estimate to be the connectivity."""

DIRECTED: Final = "directed"
"""In the list of estimators: whether it distinguishes source from target."""

SIGNED: Final = "signed"
"""In the list of estimators: whether it distinguishes excitation from inhibition. Of edge probabilities: how likely a
pair is to have an edge, with the sign of t."""

PACKAGE: Final = "package"
"""In the list of estimators: the package that brings it."""

ERROR: Final = "error"
"""In the list of estimators: why it cannot be loaded, empty where it can."""

# --- coordinates beside the dimensions --------------------------------------
GROUP: Final = "group"
"""On ``neuron``: which neurons are averaged together; negative or missing = in no group."""

GROUP_SIZE: Final = "group_size"
"""On a coarse axis: how many neurons stand behind each group."""

ACCEPTED: Final = "accepted"
"""On ``neuron``: whether the program that found a component in the images took it for a cell."""

NEURONS_PER_GROUP: Final = "neurons_per_group"
"""Of a sweep: how many neurons are averaged into one group, (n_neurons, n_groups); 1 without averaging."""

ISCELL: Final = "iscell"
"""On ``neuron``: whether suite2p, or who curated its output, took a region of interest for a cell."""

ISCELL_PROBABILITY: Final = "iscell_probability"
"""On ``neuron``: how sure suite2p's classifier was that it is one."""

# --- attributes -------------------------------------------------------------
SCHEMA_VERSION: Final = "schema_version"
NETXR_VERSION: Final = "netxr_version"
NUMPY_VERSION: Final = "numpy_version"
MODEL: Final = "model"
SEED: Final = "seed"
RNG: Final = "rng"
ACTIVITY_SEED: Final = "activity_seed"
TRIALS: Final = "trials"
NOISE_SCALE: Final = "noise_scale"
INITIAL: Final = "initial"
SAMPLING_INTERVAL: Final = "sampling_interval"
SAMPLING_INTERVAL_UNITS: Final = "sampling_interval_units"
ESTIMATOR: Final = "estimator"
"""On an estimate: the name of its estimator, which a dim of several estimates has as labels."""
MADE_BY: Final = "made_by"
"""On a result that no estimator of the table makes by itself: the call that made it, with its options."""
RESULT_OF: Final = "result_of"
"""On what an estimator returns beside its estimate, such as p-values: the name of the estimator."""
POOLED: Final = "pooled_dims"
PRECISION: Final = "precision"
MISSING: Final = "missing"
FRAMES: Final = "frames"
"""Attribute of ``count``: samples a neuron from which moments were made, in a trial, or in all that are pooled."""

GAPS: Final = "gaps"
"""On a recording or moments: "segments" where the stretches between gaps in its times are trials of one recording."""
LINK: Final = "link"
"""On moments: the function through which targets are read beside their own samples."""
WHERE: Final = "where"
"""Attribute of ``count``: which pairs count, where those of marked source frames alone do."""
DIAGONAL: Final = "diagonal"
PERMUTATIONS: Final = "permutations"
REFERENCE: Final = "reference"
UNDEFINED_WHERE: Final = "undefined_where"
LABELS: Final = "labels"
"""On a count of neurons or trials: the labels of the first of them."""
CREATED: Final = "created"
"""When a dataset was first saved, in UTC (ISO 8601)."""
CREATED_BY: Final = "created_by"
"""Login name of who first saved it."""
HISTORY: Final = "history"
"""A line of text for each event, oldest first, as the CF conventions have it."""
SOURCE_FILE: Final = "source_file"
SOURCE_FORMAT: Final = "source_format"
SOURCE_OPTIONS: Final = "source_options"
"""On a recording from a file: the options with which it was read, as a call in Python has them."""
SOURCE_SHA256: Final = "source_sha256"
SOURCE_ARRAY: Final = "source_array"
"""On a recording from a file that holds several: which of its arrays the samples are."""
START_TIME: Final = "start_time"
"""On a recording: time of its first sample, in ``sampling_interval_units``, by the clock of the session; else 0."""
TIME_AXIS: Final = "time_axis"
"""In a store: start and interval of the coordinate ``time``, as JSON; opening makes the coordinate of it."""
PREPROCESSING: Final = "preprocessing"
"""On a recording: what was done to it, a line of text for each step, in order."""
UNFINISHED: Final = "unfinished"
"""On a run that is still being simulated, or was cut off: how long it will be."""
OUTDATED: Final = "outdated"
"""On an estimate or a score: samples that came after it was made."""
COMPACT: Final = "compact"
"""On stored activity: "uint16" or "bits10" and the like, how its samples were rounded to take less room."""
COMPACT_DTYPE: Final = "compact_dtype"
"""On activity stored as codes: the dtype of the samples that they stand for."""
COMPACT_EFFECT: Final = "compact_effect"
"""By how much rounding may be expected to change a lagged correlation, at most."""
COMPACT_NOTE: Final = "compact_note"
"""The same in words, with the neuron that it is about, and with what is possible at all."""
LONG_NAME: Final = "long_name"
UNITS: Final = "units"


Rng = Literal["modern", "legacy"]
RNGS: Final[tuple[str, ...]] = get_args(Rng)

Missing = Literal["raise", "drop", "pairwise"]

Gaps = Literal["raise", "segments"]
GAP_CHOICES: Final[tuple[str, ...]] = get_args(Gaps)

Progress = Callable[[int, int], object]
"""Called with how much is done and how much there is to do."""

"""Captions of the figures and the sentence that says what a good one looks like."""

FIT = (
    "Measured points with one standard deviation of the noise, the median prediction and the bands in which new "
    "points are expected. Components stand on their background, numbered as in the tables. Below: residuals in "
    "standard deviations with a guide at ±2, and their autocorrelation with the range that chance allows."
)
FIT_GOOD = (
    "A good one: about 95 of 100 residuals inside the guide, no waves in them, and no bar of the autocorrelation far "
    "outside its band."
)
MODELS = (
    "Left: free energy of every candidate above the best one, with its standard error; smaller is better, and a "
    "difference of 3 nats is odds of 20 to 1. Right: the probability of each candidate, all of them equally probable "
    "beforehand, with the error that the errors of the free energies put on it."
)
MODELS_GOOD = "Open red marks and pale bars: the diagnostics of that candidate do not carry its number."
NOISE = (
    "Free energy of every candidate if the noise were larger than stated, from the same draws; marks are at the "
    "lowest, with the standard deviation to which the data know the level. Below: the probability of each candidate "
    "if the level were that. At its best level: each candidate at its own. Integrated out: under "
    "a prior that is uniform in the logarithm of the level, from the stated one to the last."
)
NOISE_GOOD = (
    "A good one: the stated level (dashed) within the bar of the best candidate. A level that is too small asks for "
    "more components than there are, with one that is too large fewer do as well."
)
PARAMETERS = (
    "What the data taught: posterior (coloured, the bar below it holds 95%) and prior (grey). Each is scaled to its "
    "own greatest height, so that both can be seen; a grey that is level across the panel was no help and no hindrance."
)
PARAMETERS_GOOD = (
    "A good one: the posterior much narrower than the grey behind it; where the two coincide, the data said nothing."
)
MODES_HEAD = "Where exactly the posterior is highest"
MODES = (
    "Its mode, found by Newton steps from the best draw, with standard deviations from its curvature there, and from "
    "the slopes of the curve (those of least squares). Where these differ from mean and sd, the posterior is not "
    "normal. A dash: the density is highest at the end of a prior, or the quantity is not sampled."
)
TERMS = (
    "Above: the probability that each term is in, over all sets; its coefficient, 0 where it is not in, with one "
    "standard deviation. Below: how many sets of each number of terms there are at each free energy, in bins of one "
    "width; the best set of all is at 0."
)
TERMS_GOOD = (
    "A clear answer: one set far to the left of all others. Where many sets lie within a few nats of the best one, no "
    "single set is the answer, and the probabilities of terms say what is known."
)
RIDGES = (
    "Each shared parameter from every measurement alone (coloured) and from all together (dark), on one axis. All "
    "heights are scaled alike."
)
RIDGES_GOOD = "A good one: the ridges overlap, and the dark one is narrower and lies among them."
SAMPLING = (
    (
        "Exchange rate",
        "how often neighbouring replicas exchange. A good one is level and stays above about 0.2; a dip is a place "
        "where replicas do not get past.",
    ),
    (
        "Cumulative barrier",
        "rejections summed along the ladder. A good one climbs without a step; a step is a transition that needs more "
        "replicas. Twice its end is about the number of replicas needed.",
    ),
    (
        "Log-likelihood at β = 1",
        "a few independent chains. Good ones lie on top of each other without a drift, like one band of noise.",
    ),
    (
        "Estimators of F",
        "the same free energy by different averages. Good ones agree within their errors; the band is two standard "
        "errors of the reported value. SMC without a bar is too far from replica exchange for its error to be known.",
    ),
)
SERIES = (
    "Quantities of each measurement against a column of the sheet, with 95% intervals, and the weighted straight line "
    "through the reliable ones; then the candidates, with discs whose area is the model probability. Open marks: not "
    "reliable. Where points scatter about a line more than their own errors allow, as samples do that differ in more "
    "than the column, that scatter is part of the error of the slope."
)
SERIES_GOOD = (
    "A slope is seen where its 95% interval excludes zero; of twenty quantities that stay, one seems to move by chance."
)
EDGES = (
    "The longer and the shorter edge, with 95 % of their difference, and the free energy of equal edges less "
    "that of split ones, pattern by pattern; on an even axis up to five nats, beyond on one of powers. Band: where the "
    "one takes over from the other."
)
NEXT = (
    "Dots: measured. Line and band: the curve over all candidates, each with its probability, and two standard "
    "deviations. Dashed: the points to measure next, by their order, each taking those before it as measured. Below: "
    "what one measurement of any point would tell before any is made, with the noise that it is expected to have."
)
NEXT_GOOD = (
    "Expected standard deviations take posteriors as normal: after measuring, run again and ask anew. Where the line "
    "below is flat near zero, further points tell little that is asked."
)
LIMIT = (
    "Many measurements at each exposure (or noise level), all analysed alike: the share of them in which the true "
    "model is the most probable one, with the 95% interval that their number allows, and the mean of its probability. "
    "The dashed line is at 0.95."
)
LIMIT_GOOD = "The measurement is long enough where the marks stay above the line."
PRECISION = (
    "Marks: median over the replicates of the posterior standard deviation in the true model; bars: 16% to 84% of the "
    "replicates. Dashed: the line on which precision grows as the root of the exposure (in proportion to the noise), "
    "through the most informative level; marks above it are where peaks cannot yet be told apart. Covered: how often "
    "the 95% interval holds the truth, or for thinned counts the mean of the whole spectrum."
)
TOLD = (
    "How often the true model is the better one, against the number of points, for each level of the noise. Lines: "
    "exact, from the models alone; marks: share of simulated measurements, each analysed as real ones are, with the "
    "95% interval that their number allows. The dashed line is the probability that is wished."
)
TOLD_GOOD = "The measurement tells the models apart where the line, or the marks, stay above the dashed line."
PHASES = (
    "Observed and calculated counts on a square-root scale, so that weak lines are seen; each phase in its colour on "
    "the background, with ticks at its lines below. At the foot what is left, in standard deviations of the noise "
    "(counting and model error together). Triangles: lines of none of the candidates. Probability: of all sets that "
    "have the phase, and what it becomes if the model is wrong by half, by twice as much, and by as much as is "
    "estimated from what the set leaves, where it leaves no unknown lines. Weight fractions sum to 100 over the "
    "phases found; their intervals hold errors of structures and of absorption in grains too. Lines seen: groups of "
    "lines that stand out beside all other phases."
)
PHASES_GOOD = (
    "A good one: no triangle, what is left within the band but for a few points, all present phases with several "
    "lines seen, and probabilities that stay on their side when the model error is halved or doubled."
)
MATRIX = (
    "Stronger colour: more of it. Pale with a question mark: a possible trace; a question mark alone: present with a "
    "probability below 0.95. Triangle: lines of none of the candidates. Red frame: the weighing says otherwise."
)
WEIGHED = (
    "Weighed amounts are shares of the phases that were found. Bars: 95 % intervals; open marks at 0: weighed in, and "
    "not found. Axes are even to 1 wt % and logarithmic beyond."
)
FRAMES = (
    "Left: root of the intensity above the background, in a stronger colour for more; each pattern reaches half way to "
    "its neighbours. Right: weight fractions with 95 % intervals on the same axis; open marks: less sure than 0.95."
)
SELECTED = "Number of measurements by their most probable model; undecided where that has a probability below 0.75."
SPREADS = (
    "Number of measurements by the value that their most probable model gives, the median as a line; what lies beyond "
    "the ends is counted in the outermost bars. With the right models check p would be below 0.01 in one of a hundred, "
    "and larger ones not be spread evenly, for it joins three tests of many draws."
)
SPREAD_TABLE = (
    "Posterior means of the most probable model of each measurement, where it has the quantity: their median, the "
    "range of the middle 68 of 100, and the median of their standard deviations. Spread over sd is half that range "
    "over this deviation: about 1 where measurements differ by their errors alone."
)

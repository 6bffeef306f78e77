"""Settings of gates of channels that are drawn in training."""

from source.config.settings import settings


@settings
class GateSettings:
    """How gates are drawn; of regularizer "logistic_sigmoid" alone.

    Attributes:
        temperature: of gates in training, positive: near 0 they are open or closed, at 1 in between.
        annealing_steps: in which the temperature falls to a tenth, again and again; None keeps it.
        straight_through: whether training sees gates open or closed, with the gradient of those in between.
        log_odds_init: logit of every gate at the start; 2.5 opens 92.4 % of them.
        soft_mask: whether open gates are their probability in inference; 1 otherwise.
        regularize_on_mask: whether the gates of the step are made small, their probabilities otherwise.
        alive_threshold: of r, at and above which a channel is alive, in (0, 1).
        seed: of the draws.
    """

    temperature: float = 0.001
    annealing_steps: int | None = None
    straight_through: bool = False
    log_odds_init: float = 2.5
    soft_mask: bool = True
    regularize_on_mask: bool = True
    alive_threshold: float = 0.1
    seed: int = 0

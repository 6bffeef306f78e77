"""A training run in a process of its own, to be killed: `python -m tests.runner.killable MODEL_DIR`."""

import sys

from source.callback import train_loss
from source.command.mistakes import report_mistakes
from source.config.config import CallbackConfig
from tests.runner.parts import make_inputter, make_runner


def main():
    every_step = train_loss.build(CallbackConfig(log_every_n_iter=1))
    inputter = make_inputter(epochs=12)
    make_runner(sys.argv[1], [every_step], inputter, save_every=3, evaluate_every_epochs=4).train()
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("killable", main))

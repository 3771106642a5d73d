"""`make estimates`: fit the estimates of ``service/reading/estimates.py`` on drawn cards.

A logistic model per kind of field, by projected gradient descent on the log-loss. Each coefficient is drawn
towards an assumed one, because numbers, dates and words are hardly ever read wrong on drawn cards. None may
be negative, so that more doubt never raises an estimate.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.accuracy.decision import LIMITS, curve_table, decide, judged
from bench.accuracy.evidence import CardEvidence, FieldEvidence, evidence
from bench.accuracy.readings import CACHE, readings
from bench.accuracy.seeds import FITTED
from service.reading.estimates import FEATURES, KINDS

#: The fitted coefficients.
TARGET = Path("service/reading/estimates.json")

#: Coefficients that are assumed before anything is seen; those of the other features are ``ASSUMED``.
ASSUMED_OF = {
    **{
        "confidence": 1.0,
        "low_confidence": 1.5,
        "repair": 1.5,
        "unconfirmed": 1.0,
        "spelling": 2.0,
        "bare": 2.0,
        "seen_once": 1.0,
        "looks_differ": 3.0,
        "indent": 6.0,
    },
    **{"word_length": 0.0, "length": 0.0},
}
ASSUMED = 0.3

#: Least coefficients, which no fit may undercut: without confidence nothing is probably right, a repair is
#: a guess, and a value that starts late lacks its start.
LEAST_OF = {"low_confidence": 2.0, "repair": 0.3, "indent": 6.0}

#: Weight of what is assumed over what is seen: penalty on the square of the distance from it.
PENALTY = 1.0

#: Fields of each kind that are assumed to be wrong for no visible reason, so that no estimate is certain.
ASSUMED_WRONG = 0.5

#: Parts of the cards; each is judged by models that were fitted on the others.
FOLDS = 5

_STEPS = 6_000

_Floats = npt.NDArray[np.float64]


def main() -> None:
    """Fit on the seeds of ``seeds.FITTED``, write the coefficients, and print what limits are worth."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy.fitting", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of readings")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kept", action="store_true", help="only use readings that are there")
    options = parser.parse_args()
    cards = list(evidence(readings(FITTED, options.cache, options.processes, kept=options.kept)))
    models = fit_all(cards)
    TARGET.write_text(json.dumps({kind: _as_json(model) for kind, model in models.items()}, indent=1) + "\n")
    for kind, model in models.items():
        own = _of_kind(cards, kind)
        print(
            f"{kind}: {len(own)} sights of fields, {sum(not field.is_right for field in own)} wrong: "
            f"{_as_json(model)}"
        )
    parts = [(part, fit_all([card for card in cards if card not in part])) for part in _folds(cards)]
    out_of_fold = [judged(card, models) for part, models in parts for card in part]
    print(f"\n{len(cards)} cards, each judged by models that were fitted without it:\n")
    print(curve_table([(limit, decide(out_of_fold, limit)) for limit in LIMITS]))


def fit_all(cards: Sequence[CardEvidence]) -> dict[str, tuple[float, ...]]:
    """Return intercept and coefficients by kind of field."""
    return {kind: fit(_of_kind(cards, kind)) for kind in dict.fromkeys(KINDS.values())}


def _of_kind(cards: Sequence[CardEvidence], kind: str) -> list[FieldEvidence]:
    """Return the fields of a kind twice: as first read, and with a second look where they had one."""
    sights = [sight for card in cards for sight in (card.first, card.second)]
    return [field for sight in sights for field in sight.fields if field.kind == kind]


def fit(fields: Sequence[FieldEvidence]) -> tuple[float, ...]:
    """Return intercept and coefficients of the doubt, rounded to three digits.

    Parameters:
        fields: each as first read and after a second look, which together weigh as much as one
    """
    doubts = np.array([field.doubts for field in fields], np.float64)
    wrong = np.array([not field.is_right for field in fields], np.float64)
    return tuple(round(float(value), 3) for value in _minimise(doubts, wrong))


def _folds(cards: Sequence[CardEvidence]) -> list[list[CardEvidence]]:
    return [[card for card in cards if card.seed % FOLDS == fold] for fold in range(FOLDS)]


def _as_json(model: Sequence[float]) -> dict[str, object]:
    named = zip(FEATURES, model[1:], strict=True)
    return {"intercept": model[0], "coefficients": {name: weight for name, weight in named if weight}}


def _minimise(doubts: _Floats, wrong: _Floats) -> _Floats:
    """Return intercept and coefficients of least loss, none of them negative."""
    # The assumed field stands where no doubt is.
    rows = np.vstack((doubts, np.zeros(doubts.shape[1])))
    targets, shares = np.append(wrong, 1.0), np.append(np.full(len(wrong), 0.5), ASSUMED_WRONG)
    design = np.column_stack((np.ones(len(rows)), rows))
    ridge = np.append(0.0, np.full(rows.shape[1], PENALTY))
    assumed = np.array([0.0, *(ASSUMED_OF.get(name, ASSUMED) for name in FEATURES)])
    least = np.array([LEAST_OF.get(name, 0.0) for name in FEATURES])
    # The largest curvature of the loss bounds the step (Lipschitz constant of its gradient).
    step = 1 / (0.25 * np.linalg.eigvalsh((design * shares[:, None]).T @ design)[-1] + PENALTY)
    found = previous = assumed - np.append(5.0, np.zeros(rows.shape[1]))
    for number in range(_STEPS):
        # Nesterov's acceleration.
        ahead = found + number / (number + 3) * (found - previous)
        errors = shares * (1 / (1 + np.exp(-design @ ahead)) - targets)
        previous, found = found, ahead - step * (design.T @ errors + ridge * (ahead - assumed))
        found[1:] = np.maximum(least, found[1:])
    return np.asarray(found, np.float64)


if __name__ == "__main__":
    main()

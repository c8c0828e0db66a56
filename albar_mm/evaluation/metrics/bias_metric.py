"""IID, SCUBA, SCUFO, Confl-FG and contrasted accuracy from one test run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmaction.registry import METRICS
from mmengine.logging import print_log

from ..functional import DOMAINS, Prediction, bias_scores, per_class_scores
from ..tables import COMPARISON_COLUMNS, format_bias_table
from .record_metric import RecordMetric


@METRICS.register_module()
class BiasMetric(RecordMetric):
    """Scores of a bias benchmark read through :class:`albar_mm.datasets.BiasBenchmarkDataset`.

    Keys and definitions are those of :func:`albar_mm.evaluation.functional.bias_scores`, in
    percent. The table is written to the log as well. :class:`ResultsHook` adds the main scores of
    every class to ``results.json``, as ``per_class``: true label -> score name -> percentage.

    Args:
        per_class: add every score for each true class to the metrics (and so to the log), as
            ``<score>/class_<label>``.
        **options: see :class:`RecordMetric`; by default no prefix, so keys read ``scuba/avg``.

    Example config::

        test_evaluator = dict(type='BiasMetric')
    """

    domains = DOMAINS
    dataset_type = 'BiasBenchmarkDataset'

    def __init__(self, per_class: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.per_class = per_class

    def score(self, predictions: dict[tuple[str, str], dict[str, Prediction]]) -> dict[str, float]:
        """Score the sets, write the table to the log.

        Raises:
            ValueError: if a set is incomplete or the ids of SCUBA and SCUFO do not match.
        """
        self._check_sizes(predictions)
        scores = bias_scores(predictions)
        print_log('\n' + format_bias_table(scores, 'Static bias'), logger='current')
        of_classes = per_class_scores(predictions)
        self.results_entries['per_class'] = {
            str(label): {key: values[key] for _, key in COMPARISON_COLUMNS if key in values}
            for label, values in of_classes.items()
        }
        if self.per_class:
            for label, values in of_classes.items():
                scores.update({f'{key}/class_{label}': value for key, value in values.items()})
        return scores

    def _check_sizes(self, predictions: Mapping[tuple[str, str], Mapping]) -> None:
        """Compare with the sizes that the dataset states, set by set."""
        expected = (self.dataset_meta or {}).get('sets', {})
        found = {f'{d}/{b}': len(records) for (d, b), records in predictions.items()}
        wrong = {
            name: (found.get(name, 0), size)
            for name, size in expected.items()
            if found.get(name, 0) != size
        }
        if wrong:
            listing = '; '.join(f'{n}: {got} of {size}' for n, (got, size) in wrong.items())
            raise ValueError(f'predictions are missing from the test run: {listing}')

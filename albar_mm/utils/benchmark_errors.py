"""What goes wrong when a benchmark is made."""

from ..video.strict_reading import DatasetError


class BenchmarkError(DatasetError):
    """A benchmark cannot be made or used; one line that says what, where and what to do."""

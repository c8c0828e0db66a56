"""Data preprocessors."""

from .static_data_preprocessor import StaticDataPreprocessor

__all__ = ['StaticDataPreprocessor']

"""Making SCUBA / SCUFO / Confl-FG sets."""

from ..compositing.backgrounds import stripe_image

__all__ = ['stripe_image']

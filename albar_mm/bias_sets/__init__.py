"""Making SCUBA / SCUFO / Confl-FG sets."""

from ..compositing.stripes import stripe_image

__all__ = ['stripe_image']

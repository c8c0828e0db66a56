"""Lists of videos, person boxes, scene labels, manifests and frame banks: formats and readers."""

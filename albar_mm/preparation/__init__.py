"""Official split lists in, verified MMAction2 annotation files out; people, scenes, frame banks."""

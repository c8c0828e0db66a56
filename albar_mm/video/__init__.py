"""What a container holds, which frames are shown and when, strict reading, writing."""

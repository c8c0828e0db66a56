"""OpenCV keeps to one thread: a process that has begun more cannot be forked by later tests."""

import cv2
import pytest


@pytest.fixture(autouse=True)
def one_opencv_thread():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)

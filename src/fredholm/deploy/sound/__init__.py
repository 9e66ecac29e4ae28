"""Sound: what an operator of a room answers, made audible."""

from fredholm.deploy.sound.impulse_response import PulseResponse, resampled
from fredholm.deploy.sound.listener_path import ListenerPath, read_path
from fredholm.deploy.sound.moving_filter import filtered_along
from fredholm.deploy.sound.partitioned_convolution import PartitionedConvolver, convolve
from fredholm.deploy.sound.rendering import Auralization, Rendered, render
from fredholm.deploy.sound.reverberation import Diffuse, ImageSources, completed, reverberation_time
from fredholm.deploy.sound.wave_file import read_wave, write_wave

__all__ = [
    "Auralization",
    "Diffuse",
    "ImageSources",
    "ListenerPath",
    "PartitionedConvolver",
    "PulseResponse",
    "Rendered",
    "completed",
    "convolve",
    "filtered_along",
    "read_path",
    "read_wave",
    "render",
    "resampled",
    "reverberation_time",
    "write_wave",
]

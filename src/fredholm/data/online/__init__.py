"""Training while the solvers run: simulations, the engines that run them, and the buffers that mix what they send."""

from fredholm.data.online.buffer import Buffer
from fredholm.data.online.engine import Engine
from fredholm.data.online.loss_driven import LossDriven
from fredholm.data.online.process import Process
from fredholm.data.online.queues import FIFO, FIRO
from fredholm.data.online.ray import Ray
from fredholm.data.online.recording import Recorder, collected, open_recording
from fredholm.data.online.reservoir import Reservoir
from fredholm.data.online.selection import InOrder, Selection
from fredholm.data.online.serial import Serial
from fredholm.data.online.share import Share
from fredholm.data.online.simulations import Frames, Simulations, Steps, Stepwise, Whole
from fredholm.data.online.statistics import Statistics
from fredholm.data.online.stream import Stream, stream
from fredholm.data.online.vitter import VitterReservoir

__all__ = [
    "FIFO",
    "FIRO",
    "Buffer",
    "Engine",
    "Frames",
    "InOrder",
    "LossDriven",
    "Process",
    "Ray",
    "Recorder",
    "Reservoir",
    "Selection",
    "Serial",
    "Share",
    "Simulations",
    "Statistics",
    "Steps",
    "Stepwise",
    "Stream",
    "VitterReservoir",
    "Whole",
    "collected",
    "open_recording",
    "stream",
]

"""Writes packages/results/test/fixtures/tensorboard: event files by TensorBoard's own writer, and what TensorBoard reads.

Run from the repository root: python tools/reference/tensorboard_events.py   (needs tensorboard)

`plain` has what PyTorch's SummaryWriter stores: numbers, a histogram, a text, hyper-parameters. `tensors` has what
TensorFlow 2 stores: scalars as tensors of the plugin "scalars", of four types. In `restarted` the writer was killed after step
30 and began again at step 20. The expectation is what TensorBoard's EventAccumulator gives for every scalar.
"""

import json
import math
import struct
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

OUTPUT = Path("packages/results/test/fixtures/tensorboard")
START = 1_780_000_000.0
NAME = "events.out.tfevents.1780000000.host.1.0"


def scalar(tag: str, value: float, plugin: str | None = None) -> summary_pb2.Summary.Value:
    return summary_pb2.Summary.Value(tag=tag, simple_value=value, metadata=metadata(plugin))


def tensor(tag: str, proto: tensor_pb2.TensorProto, plugin: str | None) -> summary_pb2.Summary.Value:
    return summary_pb2.Summary.Value(tag=tag, tensor=proto, metadata=metadata(plugin))


def metadata(plugin: str | None) -> summary_pb2.SummaryMetadata | None:
    if plugin is None:
        return None
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin)
    return summary_pb2.SummaryMetadata(plugin_data=data, data_class=summary_pb2.DATA_CLASS_SCALAR if plugin == "scalars" else 0)


def event(step: int, *values: summary_pb2.Summary.Value, **more) -> event_pb2.Event:
    if values:
        more["summary"] = summary_pb2.Summary(value=values)
    return event_pb2.Event(wall_time=START + step / 4, step=step, **more)


def plain():
    histogram = summary_pb2.HistogramProto(min=0, max=1, num=2, sum=1, sum_squares=1, bucket_limit=[1], bucket=[2])
    for step in range(0, 50, 10):
        yield event(step, scalar("train/loss", math.exp(-step / 20)), scalar("lr", 0.0 if step == 0 else 1e-3))
    yield event(40, summary_pb2.Summary.Value(tag="weights", histo=histogram))
    yield event(45, scalar("train/loss", math.nan))
    yield event(46, scalar("train/loss", math.inf))
    yield event(3_000_000_000, scalar("train/loss", -0.5))
    text = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[b"hello"])
    yield event(50, tensor("note", text, "text"))
    yield event(50, tensor("_hparams_/experiment", tensor_util.make_tensor_proto(0.0), "hparams"))


def tensors():
    for step in (1, 2, 3):
        # Only the first value of a tag names its plugin.
        plugin = "scalars" if step == 1 else None
        raw = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=struct.pack("<f", step / 3))
        listed = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[step / 7])
        exact = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, double_val=[step / 9])
        whole = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, int64_val=[-step * 2**40])
        small = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT32, tensor_content=struct.pack("<i", -step))
        several = tensor_util.make_tensor_proto([1.0, 2.0])
        yield event(
            step,
            tensor("raw", raw, plugin),
            tensor("listed", listed, plugin),
            tensor("exact", exact, plugin),
            tensor("whole", whole, plugin),
            tensor("small", small, plugin),
            tensor("curve", several, "pr_curves" if step == 1 else None),
        )


def restarted():
    for step in (10, 20, 30):
        yield event(step, scalar("loss", 1 / step))
    yield event(20, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
    for step in (20, 30, 40):
        yield event(step, scalar("loss", 2 / step))
    yield event(50, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.STOP))


def write(run: str, events) -> Path:
    folder = OUTPUT / run
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / NAME, "wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=START, file_version="brain.Event:2").SerializeToString())
        for one in events:
            writer.write(one.SerializeToString())
    return folder / NAME


def expected(file: Path) -> dict[str, list[list[float]]]:
    accumulator = EventAccumulator(str(file), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    found = {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}
    for tag in accumulator.Tags()["tensors"]:
        if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            found[tag] = [
                [e.step, tensor_util.make_ndarray(e.tensor_proto).item()] for e in accumulator.Tensors(tag)
            ]
    return {
        tag: [pair for pair in pairs if math.isfinite(pair[1])] for tag, pairs in sorted(found.items())
    }


runs = {"plain": plain, "tensors": tensors, "restarted": restarted}
result = {run: expected(write(run, events())) for run, events in runs.items()}
(OUTPUT / "expected.json").write_text(json.dumps(result, indent=1) + "\n")

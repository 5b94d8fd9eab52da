"""Writes test/goldens/dpo-trainer/model/onnx/: the small LLaVA's graphs in the layout transformers.js reads, in f32.

Run after dpo_trainer.py, whose model it reads. The decoder's graph comes from tools/world's exporter.

    python tools/goldens/onnx_llava.py        # needs torch, transformers, onnx and onnxscript
"""

import sys
from pathlib import Path

import onnx
from transformers import LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "test" / "goldens" / "dpo-trainer" / "model"
sys.path.insert(0, str(ROOT / "tools"))

from world import export_onnx  # noqa: E402


def store_f32(path, axes):
    """Names the axes and drops what is of no use to a reader; weights stay f32, so that results can be compared closely."""
    model = onnx.load(path)
    export_onnx._name_axes(model.graph, axes)
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    llava = LlavaForConditionalGeneration.from_pretrained(MODEL).eval()
    export_onnx.store_f16 = store_f32
    export_onnx.FEATURE_LAYER = llava.config.vision_feature_layer
    export_onnx.export_llava_onnx(llava, MODEL / "onnx")
    for path in sorted((MODEL / "onnx").iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()

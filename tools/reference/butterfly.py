"""PEFT's BOFT with all its butterfly factors on a machine without CUDA.

Without its CUDA extension PEFT trains a single factor whatever the setting says, with no more than a warning. Importing
this puts the same product in plain torch in the extension's place.
"""
import torch
from peft.tuners.boft import layer

layer.get_fbd_cuda = lambda: True
layer.FastBlockDiag.apply = staticmethod(lambda blocks: torch.stack([torch.block_diag(*factor) for factor in blocks]))

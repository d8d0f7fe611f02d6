"""The training steps of packages/cli/bench/speed.ts with torch, transformers and PEFT, at the same shapes.

python tools/reference/step_speed.py --shape deberta --method psoft --device cuda [--precision f32|tf32|bf16] ...
A step is forward, backward, clipping and AdamW, dropout on, data ready. Prints one JSON object. Needs torch, transformers
and peft.
"""
import argparse
import json
import resource
import time

import torch
import transformers
from transformers import (
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    ViTConfig,
    ViTForImageClassification,
)

parser = argparse.ArgumentParser()
parser.add_argument("--shape", choices=["deberta", "vit", "llama"], default="deberta")
parser.add_argument("--method", default="psoft")
parser.add_argument("--rank", type=int)
parser.add_argument("--batch", type=int)
parser.add_argument("--length", type=int)
parser.add_argument("--layers", type=int)
parser.add_argument("--device", default="cpu")
parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
parser.add_argument("--neumann", action="store_true")
parser.add_argument("--dropout", type=float, default=0.0, help="of the adapter's input; PSOFT and LoRA")
parser.add_argument("--accumulate", type=int, default=1, help="batches an update; times are divided by them")
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--threads", type=int)
args = parser.parse_args()
if args.threads:
    torch.set_num_threads(args.threads)
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.precision == "tf32"

DEFAULTS = {"deberta": (32, 64, 46), "vit": (64, 197, 46), "llama": (4, 512, 352)}
batch, length, rank = (given or usual for given, usual in zip((args.batch, args.length, args.rank), DEFAULTS[args.shape]))
layers = {"num_hidden_layers": args.layers} if args.layers else {}
device = torch.device(args.device)
dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
with device:
    torch.set_default_dtype(dtype)
    if args.shape == "deberta":
        config = DebertaV2Config(
            **{
                "vocab_size": 128100,
                "hidden_size": 768,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "intermediate_size": 3072,
                "max_relative_positions": -1,
                "position_buckets": 256,
                "relative_attention": True,
                "norm_rel_ebd": "layer_norm",
                "share_att_key": True,
                "pos_att_type": ["p2c", "c2p"],
                "position_biased_input": False,
                "type_vocab_size": 0,
                "layer_norm_eps": 1e-7,
                "pooler_hidden_size": 768,
                "num_labels": 2,
                **layers,
            }
        )
        model = DebertaV2ForSequenceClassification(config)
        inputs = {
            "input_ids": torch.randint(config.vocab_size, (batch, length)),
            "attention_mask": torch.ones(batch, length),
            "labels": torch.randint(2, (batch,)),
        }
        heads = ["pooler", "classifier"]
    elif args.shape == "vit":
        model = ViTForImageClassification(ViTConfig(num_labels=100, **layers))
        inputs = {"pixel_values": torch.randn(batch, 3, 224, 224), "labels": torch.randint(100, (batch,))}
        heads = ["classifier"]
    else:
        config = LlamaConfig(
            **{
                "vocab_size": 128256,
                "hidden_size": 3072,
                "intermediate_size": 8192,
                "num_hidden_layers": 28,
                "num_attention_heads": 24,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "rope_theta": 500000.0,
                "tie_word_embeddings": True,
                **layers,
            }
        )
        model = LlamaForCausalLM(config)
        ids = torch.randint(1000, (batch, length))
        inputs = {"input_ids": ids, "labels": ids}
        heads = None
    torch.set_default_dtype(torch.float32)

import peft  # noqa: E402

if args.method not in ("head", "full"):
    settings = {"target_modules": "all-linear", "task_type": "CAUSAL_LM" if heads is None else None}
    if heads:
        settings["modules_to_save"] = heads
    if args.method == "psoft":
        settings |= {
            "r": rank,
            "psoft_alpha": rank,
            "psoft_dropout": args.dropout,
            "psoft_svd": "lowrank",
            "psoft_svd_lowrank_niter": 1,
            **({"use_cayley_neumann": True, "num_cayley_neumann_terms": 7} if args.neumann else {}),
        }
        config_class = peft.PsoftConfig
    elif args.method in ("lora", "dora"):
        settings |= {
            "r": args.rank or 8,
            "lora_alpha": args.rank or 8,
            "lora_dropout": args.dropout,
            "use_dora": args.method == "dora",
        }
        config_class = peft.LoraConfig
    elif args.method == "oft":
        settings |= {"oft_block_size": 32, "r": 0}
        config_class = peft.OFTConfig
    elif args.method == "boft":
        settings |= {"boft_block_size": 8}
        config_class = peft.BOFTConfig
    else:
        raise SystemExit(f"no settings for {args.method}")
    model = peft.get_peft_model(model, config_class(**settings))
elif args.method == "head":
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(head in name for head in heads or ["none"]))
model.to(device).train()
trained = [one for one in model.parameters() if one.requires_grad]
optimiser = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0)
is_cuda = device.type == "cuda"


def step() -> float:
    optimiser.zero_grad(set_to_none=True)
    for _ in range(args.accumulate):
        loss = model(**inputs).loss
        loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimiser.step()
    return loss.item()


def taken() -> int:
    free, total = torch.cuda.mem_get_info()
    return total - free


losses = [step() for _ in range(3)]
if is_cuda:
    torch.cuda.synchronize()
times = []
for _ in range(args.steps):
    start = time.perf_counter()
    losses.append(step())
    if is_cuda:
        torch.cuda.synchronize()
    times.append(1000 * (time.perf_counter() - start) / args.accumulate)
print(
    json.dumps(
        {
            "shape": args.shape,
            "batch": batch,
            "length": length,
            "method": args.method,
            "rank": rank,
            "device": args.device,
            "precision": args.precision,
            "neumann": args.neumann,
            "dropout": args.dropout,
            "accumulate": args.accumulate,
            "trained": sum(one.numel() for one in trained),
            "stepMilliseconds": min(times),
            "medianMilliseconds": sorted(times)[len(times) // 2],
            "deviceMemoryBytes": torch.cuda.max_memory_allocated() if is_cuda else None,
            "deviceReservedBytes": torch.cuda.max_memory_reserved() if is_cuda else None,
            # As the bench counts it: all that is taken of the card, CUDA's own share included.
            "deviceTakenBytes": taken() if is_cuda else None,
            "peakMemoryBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "losses": losses[:4],
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        }
    )
)

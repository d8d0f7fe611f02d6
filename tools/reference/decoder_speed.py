"""The measurements of packages/cli/bench/decoder.ts with torch, transformers and PEFT, on the same model.

Run after `nx run math:bench`: python tools/reference/decoder_speed.py FOLDER [--threads N]
(FOLDER is what the benchmark printed; needs torch, transformers 5, peft 0.21)
"""
import argparse
import resource
import time

import torch
from peft import PsoftConfig, get_peft_model
from transformers import LlamaForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
parser.add_argument("--rank", type=int, default=64)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--length", type=int, default=128)
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--new-tokens", type=int, default=64)
args = parser.parse_args()
torch.set_num_threads(args.threads)


def tokens(count: int) -> torch.Tensor:
    return 3 + (torch.arange(count) * 7919) % 997


def peak() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"


base = LlamaForCausalLM.from_pretrained(args.folder, dtype=torch.float32)
for batch in (1, 16):
    prompt = torch.stack([3 + (tokens(64) + row) % 997 for row in range(batch)])
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with torch.no_grad():
            base.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=args.new_tokens,
                min_new_tokens=args.new_tokens,
                do_sample=False,
            )
        best = min(best, time.perf_counter() - start)
    print(f"generation, batch {batch}: {batch * args.new_tokens / best:.0f} tokens/s, peak {peak()}")

start = time.perf_counter()
config = PsoftConfig(
    r=args.rank,
    psoft_alpha=args.rank,
    psoft_svd="lowrank",
    psoft_svd_lowrank_niter=10,
    use_cayley_neumann=True,
    target_modules="all-linear",
    task_type="CAUSAL_LM",
)
model = get_peft_model(base, config).train()
initialised = time.perf_counter() - start
optimiser = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-4, weight_decay=0)
ids = tokens(args.batch * args.length).view(args.batch, args.length)
losses, best = [], float("inf")
for _ in range(args.steps + 1):
    start = time.perf_counter()
    optimiser.zero_grad()
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
    best = min(best, time.perf_counter() - start)
shown = " ".join(f"{loss:.5f}" for loss in losses[:3])
print(f"PSOFT r={args.rank}: {1000 * best:.0f} ms a step, losses {shown}; initialised in {initialised:.1f} s, peak {peak()}")

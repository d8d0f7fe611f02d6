"""What llama.py and opt.py share: small random causal language models of transformers, run and recorded.

Weights are not stored. Both sides compute them from the tensor's place in the sorted list of names, plus the case's
`weightSeed`, by `uniform` of deberta.py. The models run in double precision; only rotations are computed in float32, as transformers
has it. (Attention is "sdpa": "eager" computes probabilities in float32, and NaN for padding on the left in double.) Of each parameter's gradient the fixture holds the norm
and the product with a pseudo-random direction: a wrong gradient misses both only by chance.

Of each case the fixture holds
- runs: logits at the tokens that are no padding, the loss (mean over the counted labels; sum and count beside it), the
  gradients of the mean. One batch is padded on the right, one on the left, one not at all;
- generations, of prompts padded on the left: greedy, beams (every beam of every prompt, best first, with its score),
  and the distribution of the first token that sampling draws from, as log-probabilities (null: cannot be drawn).

The seeds are searched: greedy choices are clear by GAP, and every generation is the same in float32, so that no tie
decides. `eos_token_id` is chosen among the tokens that the model says, so that sequences end early.
"""
import json
import warnings

import numpy as np
import torch
from deberta import uniform

GAP = 1e-3
NEW_TOKENS = 16
PROMPTS = [[5, 9, 14, 3, 22], [7, 30], [11, 4, 19, 8], [25, 6, 12]]

# beams, length penalty, early stopping
BEAMS = [(3, 1.0, False), (3, 0.7, True), (4, 0.7, False), (4, 1.0, True), (4, 2.0, False)]

# temperature, top k (0: all), top p
SAMPLING = [(0.7, 5, 0.8), (1.5, 0, 0.9), (0.5, 4, 1.0), (3.0, 8, 0.6)]


def scale_and_shift(name, shape):
    """Larger than training would start with, so that attention is far from flat and errors show."""
    if name.endswith("bias"):
        return 0.25, 0.0
    if "norm" in name:
        return 0.5, 1.0
    if "embed" in name:
        # Small beside what the layers add: a tied model would repeat its last token.
        return 0.3, 0.0
    if name == "lm_head.weight":
        return 1.0, 0.0
    return float(np.float32(2.5 / np.sqrt(shape[1]))), 0.0


def fill(model, weight_seed):
    for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
        scale, shift = scale_and_shift(name, parameter.shape)
        values = uniform(weight_seed + index, parameter.numel()) * np.float32(scale) + np.float32(shift)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def inputs_of(config, batch, length, side, seed):
    mask = np.zeros((batch, length), dtype=np.int64)
    for row in range(batch):
        count = length if side == "none" else length - 2 * row - (row > 0)
        mask[row, length - count if side == "left" else 0 : length if side == "left" else count] = 1
    low = 3
    words = np.floor((uniform(1000 + seed, batch * length) + 1) / 2 * (config.vocab_size - low)).astype(np.int64) + low
    ids = np.where(mask == 1, words.reshape(batch, length), config.pad_token_id)
    chosen = (uniform(3000 + seed, batch * length) > -0.5).reshape(batch, length) & (mask == 1)
    # What padding predicts is anything.
    chosen[:, 1:] &= mask[:, :-1] == 1
    return ids, mask, np.where(chosen, ids, -100)


def short(values):
    return [float(f"{x:.9g}") for x in values]


def run(model, batch, length, side, seed):
    ids, mask, labels = map(torch.from_numpy, inputs_of(model.config, batch, length, side, seed))
    model.zero_grad()
    output = model(input_ids=ids, attention_mask=mask, labels=labels)
    targets = labels[:, 1:].flatten()
    # transformers' loss, without its detour through float32.
    total = torch.nn.functional.cross_entropy(
        output.logits[:, :-1].flatten(0, 1), targets, ignore_index=-100, reduction="sum"
    )
    count = int((targets != -100).sum())
    loss = total / count
    assert abs(loss.item() - output.loss.item()) < 1e-5
    counted = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=2 * count).loss
    assert abs(loss.item() / 2 - counted.item()) < 1e-5
    loss.backward()
    gradients = {}
    for index, (name, parameter) in enumerate(sorted(model.named_parameters())):
        flat = parameter.grad.reshape(-1).numpy()
        direction = uniform(5000 + index, flat.size).astype(np.float64)
        gradients[name] = [float(np.linalg.norm(flat)), float(flat @ direction)]
    return {
        "padding": side,
        "shape": [batch, length],
        "inputIds": ids.flatten().tolist(),
        "attentionMask": mask.flatten().tolist(),
        "labels": labels.flatten().tolist(),
        "logits": short(output.logits.detach()[mask == 1].flatten().tolist()),
        "loss": loss.item(),
        "lossSum": total.item(),
        "labelCount": count,
        "gradients": gradients,
    }


def dropout_calls(model, shape):
    """Rate and number of elements of each dropout of a training forward pass, in attention too."""
    calls = []
    original = torch.nn.functional.dropout

    def recording(x, p=0.5, training=True, inplace=False):
        calls.append([p, x.numel()])
        return original(x, p, training, inplace)

    torch.nn.functional.dropout = recording
    model.train()
    model(input_ids=torch.full(shape, 5))
    torch.nn.functional.dropout = original
    return calls


def padded_prompts(pad):
    longest = max(map(len, PROMPTS))
    ids = [[pad] * (longest - len(one)) + one for one in PROMPTS]
    mask = [[0] * (longest - len(one)) + [1] * len(one) for one in PROMPTS]
    return torch.tensor(ids), torch.tensor(mask)


def generate(model, eos, **settings):
    ids, mask = padded_prompts(model.config.pad_token_id)
    settings = {"max_new_tokens": NEW_TOKENS, "return_dict_in_generate": True, "do_sample": False, **settings}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.generate(
            input_ids=ids, attention_mask=mask, pad_token_id=model.config.pad_token_id, eos_token_id=eos, **settings
        ), ids.shape[1]


def cut(row, eos):
    """Without the end and what follows it."""
    for place, token in enumerate(row):
        if token in eos:
            return {"ids": row[:place], "finished": True}
    return {"ids": row, "finished": False}


def greedy(model, eos):
    """The new tokens of each prompt, and the smallest lead of a choice over the second best."""
    out, length = generate(model, eos, output_logits=True)
    rows = [cut(row, eos) for row in out.sequences[:, length:].tolist()]
    gap = min(
        float(torch.diff(logits[index].topk(2).values).abs())
        for index, row in enumerate(rows)
        for logits in out.logits[: len(row["ids"]) + row["finished"]]
    )
    return rows, gap


def beams(model, eos, count, penalty, early):
    out, length = generate(
        model, eos, num_beams=count, num_return_sequences=count, length_penalty=penalty, early_stopping=early,
        output_scores=True,
    )
    rows = out.sequences[:, length:].tolist()
    scores = out.sequences_scores.tolist()
    return [
        [{**cut(rows[at], eos), "score": scores[at]} for at in range(start, start + count)]
        for start in range(0, len(rows), count)
    ]


def sampling(model, eos, temperature, top_k, top_p):
    torch.manual_seed(0)
    out, _ = generate(
        model, eos, do_sample=True, temperature=temperature, top_k=top_k, top_p=top_p, max_new_tokens=1,
        output_scores=True,
    )
    rows = torch.log_softmax(out.scores[0].double(), -1).tolist()
    return [[None if x == float("-inf") else float(f"{x:.9g}") for x in row] for row in rows]


def generations(model, single, eos_count):
    """All generations with `eos_count` ends that suit this model, or None where none do."""
    free, _ = greedy(model, [model.config.vocab_size])
    said = [token for row in free for token in row["ids"][1:12] if token != model.config.pad_token_id]
    for token in sorted(set(said), key=lambda one: (said.count(one), one)):
        eos = sorted({token, *said[:: len(said) // eos_count]})[:eos_count] if eos_count > 1 else [token]
        if len(eos) < eos_count:
            continue
        rows, gap = greedy(model, eos)
        finished = [row["finished"] for row in rows]
        if gap < GAP or all(finished) or sum(finished) < 2 or any(len(row["ids"]) < 1 for row in rows):
            continue
        found = [beams(model, eos, *settings) for settings in BEAMS]
        same = rows == greedy(single, eos)[0] and all(
            [[one["ids"] for one in row] for row in result] == [[one["ids"] for one in row] for row in beams(single, eos, *settings)]
            for result, settings in zip(found, BEAMS)
        )
        best = [[row[0]["ids"] for row in result] for result in found]
        ends = {row[0]["finished"] for result in found for row in result}
        # Early stopping and the penalty must matter, and some best beams end early, some do not.
        if not same or len({str(one) for one in best}) < 3 or len(ends) < 2:
            continue
        return {
            "eosIds": eos,
            "padId": model.config.pad_token_id,
            "prompts": PROMPTS,
            "newTokens": NEW_TOKENS,
            "gap": gap,
            "greedy": rows,
            "beams": [
                {"beams": count, "lengthPenalty": penalty, "earlyStopping": early, "results": result}
                for (count, penalty, early), result in zip(BEAMS, found)
            ],
            "sampling": [
                {"temperature": t, "topK": k, "topP": p, "logProbabilities": sampling(model, eos, t, k, p)}
                for t, k, p in SAMPLING
            ],
        }
    return None


def make_case(name, make_config, kind, raw, eos_count, first_seed):
    for attempt in range(200):
        weight_seed = first_seed + 100 * attempt
        model = kind(make_config(**raw)).double().eval()
        single = kind(make_config(**raw)).eval()
        fill(model, weight_seed)
        fill(single, weight_seed)
        found = generations(model, single, eos_count)
        if found is not None:
            break
    else:
        raise SystemExit(f"{name}: no seed suits")
    lengths = ", ".join(f"{len(row['ids'])}{'' if row['finished'] else '+'}" for row in found["greedy"])
    print(f"{name}: weight seed {weight_seed}, eos {found['eosIds']}, gap {found['gap']:.4f}, greedy lengths {lengths}")
    shapes = [(3, 10, "right"), (3, 9, "left"), (2, 7, "none")]
    runs = [run(model, *shape, seed) for seed, shape in enumerate(shapes)]
    return {
        "name": name,
        "config": raw,
        "weightSeed": weight_seed,
        "parameters": {key: list(value.shape) for key, value in sorted(model.named_parameters())},
        "runs": runs,
        "generations": found,
        "dropout": dropout_calls(kind._from_config(make_config(**raw), attn_implementation="eager"), shapes[2][:2]),
    }


def write(output, cases):
    output.write_text(json.dumps({"cases": cases}) + "\n")
    print(f"{output}: {output.stat().st_size} bytes")

"""The small network of packages/adapter/test/toy.ts, in torch."""
import torch


class Layer(torch.nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.query_proj = torch.nn.Linear(width, width, bias=False)
        self.intermediate = torch.nn.ModuleDict({"dense": torch.nn.Linear(width, inner)})
        self.output = torch.nn.ModuleDict({"dense": torch.nn.Linear(inner, width)})

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        mixed = torch.tanh(self.query_proj(hidden))
        wide = torch.tanh(self.intermediate["dense"](mixed))
        return hidden + self.output["dense"](wide)


class ToyModel(torch.nn.Module):
    def __init__(self, layers: int, width: int, inner: int):
        super().__init__()
        encoder = torch.nn.ModuleDict({"layer": torch.nn.ModuleList(Layer(width, inner) for _ in range(layers))})
        self.toy = torch.nn.ModuleDict({"encoder": encoder})
        self.pooler = torch.nn.Sequential()
        self.pooler.add_module("dense", torch.nn.Linear(width, width))
        self.classifier = torch.nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.toy["encoder"]["layer"]:
            x = layer(x)
        return self.classifier(torch.tanh(self.pooler(x)))

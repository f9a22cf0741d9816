"""State-space mixers over a sequence: Mamba-1 (selective scan), the same in both directions, and Mamba-2's SSD.

Work grows with the length of the sequence, not with its square. State-dict keys are those of mamba-ssm, and of VideoMamba for the second
direction. Each fast path has its plain reference here: `plain_scan` for `scan`, `plain_ssd` for `ssd`.
Letters: E inner channels, M state size, R rank of the step size, T steps, G groups of channels that share B and C, K channels of a group.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animato.core.errors import InputError

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

SEGMENT = 16  # steps; the backward pass keeps the state at the start of each segment and computes the others again


def plain_scan(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t, y_t = C_t h_t (Mamba, eq. 2, with B by Euler's rule as published).

    u, delta: T B G K. a: G K M. b, c: T B G M. state: B G K M, before the first step. Returns y T B G K and the last state.
    """
    outs = []
    for u_t, delta_t, b_t, c_t in zip(u, delta, b, c, strict=True):
        state = torch.exp(delta_t.unsqueeze(-1) * a) * state + (delta_t * u_t).unsqueeze(-1) * b_t.unsqueeze(-2)
        outs.append((state * c_t.unsqueeze(-2)).sum(-1))
    return torch.stack(outs), state


def scan(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """`plain_scan` with a backward pass by hand, which keeps one state in SEGMENT where autograd keeps several for each step."""
    return cast(Any, _Scan.apply)(u, delta, a, b, c, state)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        u, delta, a, b, c, state = inputs
        out, starts = torch.empty_like(u), []
        for first in range(0, len(u), SEGMENT):
            starts.append(state)
            piece = slice(first, first + SEGMENT)
            for y_t, u_t, delta_t, b_t, c_t in zip(out[piece], u[piece], delta[piece], b[piece], c[piece], strict=True):
                state = _next(state, u_t, delta_t, a, b_t)
                y_t.copy_((state @ c_t.unsqueeze(-1)).squeeze(-1))
        ctx.save_for_backward(u, delta, a, b, c, *starts)
        return out, state.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_y: Tensor, grad_state: Tensor) -> tuple[Tensor, ...]:
        u, delta, a, b, c, *starts = ctx.saved_tensors
        grads = [torch.empty_like(x) for x in (u, delta, b, c)]
        grad_a = torch.zeros_like(a)
        for i in reversed(range(len(starts))):
            piece = slice(i * SEGMENT, (i + 1) * SEGMENT)
            rows = list(zip(u[piece], delta[piece], b[piece], c[piece], grad_y[piece], *(x[piece] for x in grads), strict=True))
            states = [starts[i]]
            for u_t, delta_t, b_t, *_ in rows:
                states.append(_next(states[-1], u_t, delta_t, a, b_t))
            for before, after, row in reversed(list(zip(states, states[1:], rows, strict=False))):
                grad_state = _back(grad_state, grad_a, (before, after, a), row)
        return grads[0], grads[1], grad_a, grads[2], grads[3], grad_state


def _next(state: Tensor, u: Tensor, delta: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.exp(delta.unsqueeze(-1) * a).mul_(state).addcmul_((delta * u).unsqueeze(-1), b.unsqueeze(-2))


def _back(grad_state: Tensor, grad_a: Tensor, around: tuple[Tensor, Tensor, Tensor], row: tuple[Tensor, ...]) -> Tensor:
    """One step backwards: fills the gradients of this step, adds to that of A and returns that of the state before."""
    before, after, a = around
    u, delta, b, c, grad_y, grad_u, grad_delta, grad_b, grad_c = row
    grad = torch.addcmul(grad_state, grad_y.unsqueeze(-1), c.unsqueeze(-2))  # B G K M, of the state after
    grad_c.copy_((grad_y.unsqueeze(-2) @ after).squeeze(-2))
    grad_b.copy_(((delta * u).unsqueeze(-2) @ grad).squeeze(-2))
    entered = (grad @ b.unsqueeze(-1)).squeeze(-1)  # of delta u
    decay = torch.exp(delta.unsqueeze(-1) * a)
    exponent = grad * before * decay  # of delta A
    grad_u.copy_(entered * delta)
    grad_delta.copy_(entered * u + (exponent * a).sum(-1))
    grad_a += (exponent * delta.unsqueeze(-1)).sum(0)
    return grad * decay


def step_sizes(delta: Tensor, bias: Tensor | None = None, softplus: bool = True) -> Tensor:  # B E T, E
    """The bias is added once, then softplus."""
    biased = delta if bias is None else delta + bias.unsqueeze(-1)
    return F.softplus(biased) if softplus else biased


def selective_scan(
    u: Tensor,
    delta: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor | None = None,
    z: Tensor | None = None,
    run: Scan = scan,
) -> tuple[Tensor, Tensor]:
    """The scan from a state of zero, plus D u, times SiLU(z). Half precision is computed in fp32, as published.

    u, delta (see `step_sizes`), z: B E T. a: E M. b, c: B M T, or B G M T for groups of channels, or E M where they do not change.
    Returns B E T and the last state B E M.
    """
    wide = torch.promote_types(u.dtype, torch.float32)
    own, step, a, b, c = (x.to(wide) for x in (u, delta, a, b, c))
    b, c = (_grouped(x, own) for x in (b, c))
    groups = b.shape[2]
    u_t, delta_t = (x.permute(2, 0, 1).unflatten(2, (groups, -1)).contiguous() for x in (own, step))  # T B G K
    state = own.new_zeros(*u_t.shape[1:], a.shape[1])
    y, state = run(u_t, delta_t, a.unflatten(0, (groups, -1)), b, c, state)
    return _gated(y.flatten(2).permute(1, 2, 0), own, d, z).to(u.dtype), state.flatten(1, 2)


def _grouped(x: Tensor, u: Tensor) -> Tensor:  # -> T B G M
    if x.ndim == 2:
        return x.expand(u.shape[2], len(u), -1, -1)
    return (x.unsqueeze(1) if x.ndim == 3 else x).permute(3, 0, 1, 2).contiguous()


def _gated(y: Tensor, u: Tensor, d: Tensor | None, z: Tensor | None) -> Tensor:  # B E T
    skipped = y if d is None else y + d.unsqueeze(-1) * u
    return skipped if z is None else skipped * F.silu(z.to(y.dtype))


def kernel(device: torch.device) -> Callable[..., Tensor] | None:
    """mamba-ssm's fused scan, where it is installed and `device` is a GPU. Raises InputError if it is installed and cannot be imported."""
    if device.type != "cuda" or find_spec("mamba_ssm") is None:
        return None
    try:
        return import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    except ImportError as error:
        raise InputError(f"mamba-ssm is installed but cannot be imported: {error}; reinstall it for this torch, or remove it") from error


class Way(NamedTuple):
    """The weights of one direction."""

    conv: nn.Conv1d
    x_proj: nn.Linear
    dt_proj: nn.Linear
    a_log: Tensor  # E M
    d: Tensor  # E

    def terms(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step size B E T, B and C B M T of the convolved input."""
        rank, size = self.dt_proj.in_features, self.a_log.shape[1]
        dt, b, c = self.x_proj(u.transpose(1, 2)).split([rank, size, size], dim=-1)
        delta = F.linear(dt, self.dt_proj.weight).transpose(1, 2)
        return step_sizes(delta, self.dt_proj.bias), b.transpose(1, 2), c.transpose(1, 2)

    def __call__(self, u: Tensor, z: Tensor) -> Tensor:  # B E T
        u = F.silu(self.conv(u)[..., : u.shape[-1]])  # padded on both sides: what is beyond the end is cut off
        return self.scanned(u, z, kernel(u.device))

    def scanned(self, u: Tensor, z: Tensor, fused: Callable[..., Tensor] | None) -> Tensor:  # B E T
        """The scan of the convolved input and its gate, by mamba-ssm's function or by the one here."""
        (delta, b, c) = self.terms(u)
        a = -torch.exp(self.a_log.float())
        if fused is not None:
            return fused(u, delta, a, b, c, self.d.float(), z)
        return selective_scan(u, delta, a, b, c, self.d, z)[0]


class Mamba(nn.Module):
    """Mamba-1: projection, short causal convolution, selective scan, gate, projection. No norm and no residual (Mamba, section 3.4)."""

    def __init__(self, channels: int, state: int = 16, taps: int = 4, expand: int = 2, rank: int | None = None) -> None:
        super().__init__()
        inner = expand * channels
        self.in_proj = nn.Linear(channels, 2 * inner, bias=False)
        self.conv1d, self.x_proj, self.dt_proj, self.A_log, self.D = _new_way(inner, state, taps, rank or math.ceil(channels / 16))
        self.out_proj = nn.Linear(inner, channels, bias=False)

    @property
    def way(self) -> Way:
        return Way(self.conv1d, self.x_proj, self.dt_proj, self.A_log, self.D)

    @property
    def ways(self) -> tuple[Way, ...]:
        """Every direction in which it reads."""
        return (self.way,)

    def forward(self, x: Tensor) -> Tensor:  # B T C
        return self.out_proj(self.mixed(x).transpose(1, 2))

    def mixed(self, x: Tensor) -> Tensor:  # B T C -> B E T
        return self.way(*self.in_proj(x).transpose(1, 2).chunk(2, dim=1))

    def step(self, x: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of `forward`. x: B C. inputs: B E W, the last W of the convolution, newest last. state: B E M. Both new ones return."""
        u, z = self.in_proj(x).chunk(2, dim=1)
        inputs = torch.cat([inputs[..., 1:], u.unsqueeze(-1)], dim=-1)
        u = F.silu((inputs * self.conv1d.weight.squeeze(1)).sum(-1) + cast(Tensor, self.conv1d.bias))
        delta, b, c = (term[..., 0] for term in self.way.terms(u.unsqueeze(-1)))
        decay = torch.exp(-torch.exp(self.A_log) * delta.unsqueeze(-1))
        state = decay * state + (delta * u).unsqueeze(-1) * b.unsqueeze(1)
        y = (state * c.unsqueeze(1)).sum(-1) + self.D * u
        return self.out_proj(y * F.silu(z)), inputs, state


class BidirectionalMamba(Mamba):
    """Mamba whose second set of weights reads the sequence from its end; both gated results are added (as VideoMamba does, not halved)."""

    def __init__(self, channels: int, state: int = 16, taps: int = 4, expand: int = 2, rank: int | None = None) -> None:
        super().__init__(channels, state, taps, expand, rank)
        ranks = rank or math.ceil(channels / 16)
        self.conv1d_b, self.x_proj_b, self.dt_proj_b, self.A_b_log, self.D_b = _new_way(expand * channels, state, taps, ranks)

    @property
    def way_back(self) -> Way:
        return Way(self.conv1d_b, self.x_proj_b, self.dt_proj_b, self.A_b_log, self.D_b)

    @property
    def ways(self) -> tuple[Way, ...]:
        return self.way, self.way_back

    def mixed(self, x: Tensor) -> Tensor:  # B T C -> B E T
        u, z = self.in_proj(x).transpose(1, 2).chunk(2, dim=1)
        return self.way(u, z) + self.way_back(u.flip(-1), z.flip(-1)).flip(-1)

    def step(self, x: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        raise TypeError("a bidirectional Mamba reads the whole sequence: it has no single step")


def _new_way(inner: int, state: int, taps: int, rank: int) -> tuple[nn.Conv1d, nn.Linear, nn.Linear, nn.Parameter, nn.Parameter]:
    """Weights as published at the start: A = -(1..M) in every channel, step sizes log-uniform in 0.001 to 0.1."""
    conv = nn.Conv1d(inner, inner, taps, padding=taps - 1, groups=inner)
    x_proj, dt_proj = nn.Linear(inner, rank + 2 * state, bias=False), nn.Linear(rank, inner)
    nn.init.uniform_(dt_proj.weight, -(rank**-0.5), rank**-0.5)
    steps = torch.exp(torch.empty(inner).uniform_(math.log(1e-3), math.log(0.1))).clamp(min=1e-4)
    dt_proj.bias = nn.Parameter(steps + torch.log(-torch.expm1(-steps)))  # softplus, inverted
    return conv, x_proj, dt_proj, nn.Parameter(torch.arange(1.0, state + 1).log().repeat(inner, 1)), nn.Parameter(torch.ones(inner))


def plain_ssd(x: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """S_t = exp(A_t) S_(t-1) + X_t B_t^T, Y_t = S_t C_t, step by step (Mamba-2, section 3).

    x: B T N P and a: B T N, both times the step size. b, c: B T N M. state: B N P M. Returns Y and the last state.
    """
    state = x.new_zeros(*x.shape[:1], *x.shape[2:], b.shape[-1]) if state is None else state
    outs = []
    for x_t, a_t, b_t, c_t in zip(*(value.unbind(1) for value in (x, a, b, c)), strict=True):
        state = a_t.exp()[..., None, None] * state + x_t.unsqueeze(-1) * b_t.unsqueeze(-2)
        outs.append((state * c_t.unsqueeze(-2)).sum(-1))
    return torch.stack(outs, dim=1), state


def ssd(x: Tensor, a: Tensor, b: Tensor, c: Tensor, chunk: int = 64, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """`plain_ssd` by matrix products over chunks (Mamba-2, section 6), of any length: what is missing in the last chunk adds nothing."""
    frames = x.shape[1]
    x, a, b, c = (_chunks(value, chunk).transpose(2, 3) for value in (x, a.unsqueeze(-1), b, c))  # B Z N t D, Z chunks
    sums = a.squeeze(-1).cumsum(-1)  # B Z N t
    later = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).triu(1)
    decay = (sums.unsqueeze(-1) - sums.unsqueeze(-2)).masked_fill(later, -torch.inf).exp()
    inside = (c @ b.mT * decay) @ x
    added = (x * (sums[..., -1:] - sums).exp().unsqueeze(-1)).mT @ b  # B Z N P M, of each chunk alone
    state = torch.zeros_like(added[:, 0]) if state is None else state
    incoming = []
    for own, total in zip(added.unbind(1), sums[..., -1].unbind(1), strict=True):
        incoming.append(state)
        state = total.exp()[..., None, None] * state + own
    before = (c * sums.exp().unsqueeze(-1)) @ torch.stack(incoming, dim=1).mT
    return (inside + before).transpose(2, 3).flatten(1, 2)[:, :frames], state


def _chunks(value: Tensor, chunk: int) -> Tensor:  # B T N D -> B Z t N D
    return F.pad(value, (0, 0, 0, 0, 0, -value.shape[1] % chunk)).unflatten(1, (-1, chunk))

"""Where networks run, and whether the estimate of their memory can be believed."""

import weakref
from dataclasses import replace

import psutil
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import tiny
from animato.core.errors import InputError
from animato.models.attention import PIECE
from animato.models.condition import UNetCondition
from animato.models.unet import UNet
from animato.models.unified import Given, UnifiedUNet
from animato.sampling.guidance import guided
from animato.sampling.model import unet_model, unified_model
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings
from animato.systems.memory import DECODED, OVERHEAD, SPARE, Estimate, Placement, estimate

CPU = torch.device("cpu")


class Alive(TorchDispatchMode):
    """The most bytes that the tensors made under it held at once."""

    def __init__(self, known):
        super().__init__()
        self.sizes, self.now, self.peak = {value.untyped_storage()._cdata: 0 for value in known}, 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in (leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)):
            storage = tensor.untyped_storage()
            if storage._cdata not in self.sizes:
                self.sizes[storage._cdata] = storage.nbytes()
                self.now += storage.nbytes()
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self.forget, storage._cdata)
        return out

    def forget(self, storage):
        self.now -= self.sizes.pop(storage)


class Resident(TorchDispatchMode):
    """The most bytes of a module's tensors that were no longer, or not yet, on "meta" while something was computed."""

    def __init__(self, module):
        super().__init__()
        self.module, self.peak = module, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        here = sum(value.nbytes for value in self.module.parameters() if not value.is_meta)
        self.peak = max(self.peak, here)
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def net():
    """A tenth of the published width, its shape otherwise."""
    return UNet(block_out_channels=(32, 64, 128, 128), cross_attention_dim=24, temporal=tiny.TEMPORAL | {"positions": 32}).eval()


@pytest.mark.long
@pytest.mark.parametrize("guidance", [3.5, 1.0], ids=["guided", "plain"])
@pytest.mark.parametrize("frames", [2, 12])
@pytest.mark.parametrize("how", ["high", "low"])
@torch.no_grad()
def test_a_pass_needs_what_was_estimated(net, how, frames, guidance):
    """Tensors alive in a real pass over one window, with what it is told, against the estimate without its margins."""
    settings, size = Settings(guidance=guidance, memory=how, device="cpu"), (12, 8)
    window = settings.window.over(frames)[0]
    writer = UNet(out_channels=None, block_out_channels=(32, 64, 128, 128), cross_attention_dim=24)
    with Alive([*net.parameters(), *writer.parameters()]) as alive:
        token = torch.zeros(1, 1, 24)
        features = writer.reference(torch.zeros(1, 1, 4, 8, 12), 0, writer.project_context(token))
        context, pose = net.project_context(token), torch.zeros(1, frames, 32, 8, 12)
        conditions = UNetCondition(context, conv_in=pose), UNetCondition(context, net.project_bank(features), pose)
        predict = guided(unet_model(net, *conditions, how == "high"), settings.guidance)
        predict(torch.zeros(1, frames, 4, 8, 12), torch.tensor(3), [window])
    needed = (estimate(net, settings, frames, size).needed - OVERHEAD["cpu"]) / SPARE
    assert 0.75 * needed < alive.peak < needed * 1.05


@pytest.mark.long
@pytest.mark.parametrize("temporal", ["attention", "mamba"])
@pytest.mark.parametrize(("frames", "batch"), [(2, 1), (12, 1), (20, 2)])
@pytest.mark.parametrize(("how", "piece"), [("high", PIECE), ("low", PIECE), ("low", 800)])
@torch.no_grad()
def test_a_pass_of_uni_animate_needs_what_was_estimated(temporal, how, piece, frames, batch, monkeypatch):
    """A fifth of the published width, its shape otherwise, with the entrance as wide beside it; feed-forwards whole and in pieces."""
    monkeypatch.setattr("animato.models.attention.PIECE", piece)
    net = UnifiedUNet(block_out_channels=(64, 128, 256, 256), head_dim=8, entrance=(64, 13), context=(24, 4), temporal=temporal).eval()
    settings, size = Settings(guidance=2.5, memory=how, batch=batch, window=Windows(12, 4, end="last"), device="cpu"), (12, 16)
    with Alive([*net.parameters()]) as alive:
        poses, reference = torch.zeros(1, frames, 3, 32, 24), torch.zeros(1, 1, 4, 16, 12)
        told, null = (net.encode(one, torch.zeros(1, 77, 24), (16, 12)) for one in (Given(reference=reference, poses=poses), Given()))
        alive.peak = alive.now
        plan = settings.window.over(frames)
        conditions = {window: net.condition(told, window.frames) for window in plan}
        predict = guided(unified_model(net, net.condition(null, plan[0].frames), conditions, how == "high"), 2.5)
        predict(torch.zeros(batch, len(plan[0].frames), 4, 16, 12), torch.tensor(3), plan[:batch])
    needed = (estimate(net, settings, frames, size).needed - OVERHEAD["cpu"]) / SPARE
    assert 0.75 * needed < alive.peak < needed * 1.05


def test_a_chain_needs_its_vae_beside_it():
    """One clip at a time, whatever the batch; and a frame of every link is decoded while the network stays."""
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    net, vae, gpu = tiny.unet(tiny.TEMPORAL), AutoencoderKL(block_out_channels=(64,) * 4, **blocks), Settings(device="meta")
    chained, one = replace(gpu, window=Chain(8), batch=4), replace(gpu, window=Windows(8, 2))
    assert estimate(net, chained, 100, (8, 8)).needed == estimate(net, one, 100, (8, 8)).needed
    alone, beside = (estimate(net, chained, 1, (8, 8), [vae], during).needed for during in ((), (vae,)))
    assert beside - alone == pytest.approx(SPARE * 2 * sum(value.numel() for value in net.parameters()), abs=2)


def test_longer_windows_and_more_of_them_need_more(net):
    def needed(**changes):
        return estimate(net, replace(Settings(device="cpu"), **changes), 100, (32, 32)).needed

    assert needed(window=Windows(12, 4)) < needed() < needed(batch=2)
    assert needed(memory="low") < needed(memory="high")
    assert needed(dtype="bfloat16") > needed() / 2  # a copy of the weights comes in addition


def test_auto_spares_memory_where_it_must(net, monkeypatch):
    settings = Settings(device="cpu")
    high, low = (estimate(net, replace(settings, memory=how), 100, (64, 64)).needed for how in ("high", "low"))
    for free, together, fits in ((high + 1, True, True), (high - 1, False, True), (low - 1, False, False)):
        monkeypatch.setattr(psutil, "virtual_memory", lambda free=free: type("Memory", (), {"available": free}))
        found = estimate(net, settings, 100, (64, 64))
        assert (found.placement.together, found.fits, found.free) == (together, fits, free)


def test_least_brings_one_layer_at_a_time(net, monkeypatch):
    """On a device of its own; auto comes to it when nothing else fits. On a CPU layers are where they are used, so it is low."""
    gpu, size = Settings(device="meta", dtype="float16"), (8, 8)
    high, low, least = (estimate(net, replace(gpu, memory=how), 4, size) for how in ("high", "low", "least"))
    assert least.placement == Placement(torch.device("meta"), torch.float16, together=False, streamed=True)
    weights, largest = sum(value.numel() for value in net.parameters()), net.up_blocks[0].resnets[0].conv1
    spared = weights - largest.weight.numel() - largest.bias.numel()
    assert low.needed - least.needed == pytest.approx(SPARE * 2 * spared, abs=2)
    assert "one layer there at a time" in least.sentence and "one layer" not in low.sentence
    wanted = ((high.needed, high), (low.needed, low), (low.needed - 1, least), (0, least))
    for free, one in wanted:
        monkeypatch.setattr(psutil, "virtual_memory", lambda free=free: type("Memory", (), {"available": free}))
        assert estimate(net, gpu, 4, size).placement == one.placement
    here = Settings(device="cpu")
    assert estimate(net, replace(here, memory="least"), 4, size) == estimate(net, replace(here, memory="low"), 4, size)


def test_what_works_beside_the_unet_is_counted(net):
    """A network that comes alone to a device, and the decoding of a frame, where they need more than sampling."""
    gpu, size, wide = Settings(device="meta", memory="least"), (4, 4), nn.Linear(2000, 2000, bias=False)
    assert estimate(net, gpu, 1, size, [wide, net.conv_in]).needed == int(SPARE * 2 * 4_000_000)
    with torch.no_grad(), torch.device("meta"):
        blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
        vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, **blocks)
        with Alive([*vae.parameters()]) as alive:
            vae.decode(torch.zeros(1, 4, 32, 48))
    decoded = DECODED * 128 * 256 * 384
    assert alive.peak == pytest.approx(4 * decoded, rel=0.03)
    here = Settings(device="cpu", memory="low")
    needed = (estimate(net, here, 1, (32, 48), [vae]).needed - OVERHEAD["cpu"]) / SPARE
    assert needed == pytest.approx(4 * (decoded + sum(value.numel() for value in vae.parameters())), abs=2)


def test_what_does_not_fit_is_refused_in_words():
    found = Estimate(Placement(CPU, torch.float32), 5 * 2**30, 2 * 2**30)
    assert found.sentence == "About 5.0 GiB of memory are needed on cpu in float32, 2.0 GiB are free there."
    with pytest.raises(InputError, match="5.0 GiB.*2.0 GiB.*smaller size"):
        found.accept()
    assert Estimate(found.placement, 1, 1).accept() is found.placement


def test_a_network_where_it_is_wanted_is_itself(net):
    assert Placement(CPU, torch.float32)(net) is net


def test_a_network_elsewhere_is_a_copy(net):
    """Buffers that are no fractions keep their type; tied weights stay tied."""
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    module[2].weight = module[0].weight
    moved = Placement(CPU, torch.bfloat16)(module.eval())
    assert [value.dtype for value in moved.state_dict().values()].count(torch.bfloat16) == 8
    assert moved[1].num_batches_tracked.dtype == torch.int64
    assert moved[2].weight is moved[0].weight and moved[0].weight is not module[0].weight
    assert all(isinstance(value, nn.Parameter) for value in moved.parameters())
    assert not moved.training and module[0].weight.dtype == torch.float32
    torch.testing.assert_close(moved(torch.ones(1, 2).bfloat16()).float(), module(torch.ones(1, 2)), atol=0.05, rtol=0.05)


def test_a_copy_of_the_network_answers_alike(net):
    x, context = tiny.normal(1, 2, 4, 8, 8), tiny.normal(1, 1, 24)
    coarse = Placement(CPU, torch.bfloat16)(net)
    with torch.no_grad():
        fine = net(x, 10, UNetCondition(net.project_context(context)))
        answer = coarse(x.bfloat16(), 10, UNetCondition(coarse.project_context(context.bfloat16())))
    assert coarse.config == net.config and coarse.dtype == torch.bfloat16
    assert (answer.float() - fine).abs().max() < 0.1 * fine.abs().max()


@torch.no_grad()
def test_a_streamed_network_answers_exactly_alike():
    """Every call of it that a system makes; and never more of it is there than its largest layer."""
    net = tiny.unet(tiny.TEMPORAL)
    streamed = Placement(CPU, torch.float32, streamed=True)(net)
    assert not any(value.is_meta for value in net.parameters()) and all(value.is_meta for value in streamed.parameters())
    x, token, pose = tiny.normal(1, 3, 4, 8, 8), tiny.normal(1, 1, 24), tiny.normal(1, 3, 32, 8, 8)
    answers = []
    for one in (net, streamed):
        features = one.reference(x[:, :1], 0, one.project_context(tiny.normal(1, 5, 24)))
        null = UNetCondition(one.project_context(0 * token), conv_in=pose)
        condition = UNetCondition(one.project_context(token), one.project_bank(features), pose)
        with Resident(streamed) as resident:
            answers.append([*features.values(), *one.branches(x, 10, [null, condition])])
    for mine, other in zip(*answers, strict=True):
        torch.testing.assert_close(mine, other, atol=0, rtol=0)
    assert resident.peak == max(sum(value.nbytes for value in layer.parameters(recurse=False)) for layer in net.modules())
    assert streamed.dtype == torch.float32 and all(value.is_meta for value in streamed.parameters())


def test_only_unets_are_streamed():
    placement, guider = Placement(CPU, torch.float32, streamed=True), nn.Linear(2, 2)
    assert placement(guider) is guider

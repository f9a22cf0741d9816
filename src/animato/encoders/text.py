"""The empty prompt, as CLIP reads it: what the cross-attention of a U-Net made for words reads where there is nothing to say."""

from __future__ import annotations

from typing import cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from transformers import CLIPTextModel


class EmptyPrompt(ModelMixin, ConfigMixin):
    """Its tokens, computed once, after which nobody needs the text encoder."""

    tokens: Tensor

    @register_to_config
    def __init__(self, hidden_size: int = 768, length: int = 77) -> None:
        super().__init__()
        self.register_buffer("tokens", torch.zeros(1, length, hidden_size))  # 1 S D

    @staticmethod
    @torch.no_grad()
    def by(encoder: CLIPTextModel, filler: int | None = None) -> EmptyPrompt:
        """The last hidden state, behind the final norm, with no mask but the causal one; in the encoder's precision.

        CLIP's vocabulary ends with the beginning and the end of a text. An empty one is a beginning, then ends up to its full length.
        filler: what stands there after the first end instead; OpenCLIP has zeros.
        """
        config = encoder.config
        length, begin, end = config.max_position_embeddings, config.vocab_size - 2, config.vocab_size - 1
        rest = [end if filler is None else filler] * (length - 2)
        numbers = torch.tensor([[begin, end, *rest]], device=encoder.device)
        prompt = EmptyPrompt(config.hidden_size, length)
        prompt.tokens = cast(Tensor, encoder(numbers).last_hidden_state)
        return prompt

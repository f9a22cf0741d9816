"""The empty prompt's tokens, against the tokenizer's numbers written out."""

import torch
from transformers import CLIPTextConfig, CLIPTextModel

import tiny
from animato.encoders.text import EmptyPrompt


def test_tokens_of_the_empty_prompt(tmp_path):
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    encoder = tiny.randomised(CLIPTextModel(CLIPTextConfig(vocab_size=514, bos_token_id=0, eos_token_id=2, **shape)))
    prompt = EmptyPrompt.by(encoder)
    with torch.no_grad():
        meant = encoder(torch.tensor([[512] + [513] * 76])).last_hidden_state
    assert torch.equal(prompt.tokens, meant) and meant.shape == (1, 77, 16) and not prompt.tokens.requires_grad
    assert not torch.isclose(meant[0, 0], meant[0, 1]).any()
    prompt.save_pretrained(tmp_path)
    assert torch.equal(EmptyPrompt.from_pretrained(tmp_path).tokens, meant)

"""Ready-made networks beside the denoiser: the VAE and CLIP."""

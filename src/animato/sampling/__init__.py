"""From noise and conditions to latents: windows over a long clip, schedules, guidance, and the loop that runs them."""

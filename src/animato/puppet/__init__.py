"""What systems/puppet.py is made of: parts cut from a picture, meshes that move them, the order they are painted in."""

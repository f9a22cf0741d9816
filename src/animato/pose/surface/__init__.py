"""The surface of a body around its joints, in DensePose's parts."""

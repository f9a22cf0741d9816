"""How the published systems draw skeletons, one file each."""

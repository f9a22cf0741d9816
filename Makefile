# Thin over make.py, which does the same on Windows: python make.py demo
PYTHON ?= python3

.PHONY: demo test kill matrix setup lint clean
demo test kill matrix setup lint clean:
	@$(PYTHON) make.py $@

# Every target sets up what it needs and does nothing twice; the work is in scripts/setup.
.PHONY: help run test check image bench chaos clean engine engine-stop

setup = @exec sh scripts/python.sh scripts/setup

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Set up what is missing and start Bunkhouse
	$(setup) serve

test: ## Run all tests, with a real engine and a real browser
	$(setup) test

check: ## Run the linters and type checkers
	$(setup) check

image: ## Build the sandbox image if something in it changed
	$(setup) image

bench: ## Measure how fast sessions start and answer
	$(setup) bench

chaos: ## Kill everything at random and see that nothing is lost (ARGS="--kills 200 --seed 7")
	$(setup) chaos $(ARGS)

engine: ## Make a container engine answer, installing one if need be
	$(setup) engine

engine-stop: ## Stop the engine that was installed, and what runs in it
	$(setup) engine-stop

clean: ## Remove what was made in this checkout; sessions and images stay
	$(setup) clean

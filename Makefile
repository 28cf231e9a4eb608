# Everything here works in a fresh clone: what a target needs is made first.
.DEFAULT_GOAL := help
.PHONY: help demo test run bench certs build plugin release image deploy undeploy clean

IMAGE ?= kubeblame:dev
INSTALLED := node_modules/.kubeblame-installed

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# better-sqlite3 is compiled here where no binary for this platform can be fetched: a minute or two, once.
$(INSTALLED): package.json package-lock.json
	npm ci --no-fund --no-audit
	@touch $@

demo: build ## Replay a recorded cluster through a real server, then ask who changed what
	npx tsx scripts/demo.ts

test: $(INSTALLED) ## Lint, check the types, run all tests with coverage
	npm run --silent lint
	npm run --silent format:check
	npm run --silent typecheck
	npm test --silent

run: certs build ## Run the server here, on .demo/ledger.db, with the certificates of `make certs`
	@mkdir -p .demo
	node dist/kubeblame-webhook.js serve --db .demo/ledger.db --tls-cert certs/local/tls.crt --tls-key certs/local/tls.key

bench: build ## Measure throughput, the ledger's size, and how long kubectl-blame takes
	npx tsx webhook/bench/main.ts
	npx tsx plugin/bench/start.ts

certs: $(INSTALLED) ## Make a CA and a serving certificate in certs/local, unless valid ones are there
	npx tsx certs/make-certs.ts

build: $(INSTALLED) ## Bundle both programs into dist/
	npm run --silent build

plugin: $(INSTALLED) ## Bundle kubectl-blame alone, into dist/plugin
	node -e "import('./scripts/build.mjs').then(({ buildPlugin }) => buildPlugin('$(CURDIR)', '$(CURDIR)/dist/plugin'))"
	@echo 'dist/plugin/kubectl-blame.cjs; with kubectl-blame-main.cjs beside it, it runs wherever Node does'

release: $(INSTALLED) ## Archives of the plugin, and a manifest for krew, into dist/release; URL=where they will be
	node scripts/release.mjs '$(URL)'

image: ## Build the container image, IMAGE=kubeblame:dev unless given
	docker build -t $(IMAGE) .

# The overlay adds what the base cannot know: this machine's certificates, and the image. It is written under the
# ignored dist/, because kustomize reads files only below the folder it is called with. Applied server-side: a
# client-side apply would copy the private key into an annotation.
deploy: certs ## Install into kubectl's current cluster, with the certificates of `make certs` and IMAGE
	@scripts/deploy-overlay.sh dist/deploy certs/local '$(IMAGE)'
	kubectl apply --server-side -k dist/deploy

undeploy: ## Remove Kubeblame from kubectl's current cluster, its ledger included
	kubectl delete --ignore-not-found -k manifests

clean: ## Remove what was built and measured; keeps node_modules, certs/local and .demo/
	rm -rf dist coverage

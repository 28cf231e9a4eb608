# Everything here works in a fresh clone: what a target needs is made first.
.DEFAULT_GOAL := help
.PHONY: help demo test coverage torture run bench certs build plugin release image deploy chart undeploy clean

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

test: $(INSTALLED) ## Lint, check the types, run all tests; NODE=24: the tests, under npm's package `node` of that major
ifdef NODE
	scripts/under-node.sh $(NODE) --copy npm test --silent
else
	npm run --silent lint
	npm run --silent format:check
	npm run --silent typecheck
	npm test --silent
endif

coverage: $(INSTALLED) ## Run all tests, and tell what of the sources they ran; takes half as long again
	npm run --silent coverage

torture: $(INSTALLED) ## Crash, fault, fuzz and soak the server in full: some three hours
	KUBEBLAME_TORTURE=full npx mocha webhook/testing/whole/faults/crash.int.test.ts webhook/ledger/sqlite/verify/verify.int.test.ts \
	  webhook/ledger/retention/keeping.int.test.ts 'webhook/testing/torture/*.int.test.ts' plugin/fuzz.int.test.ts

run: certs build ## Run the server here, on .demo/ledger.db, with the certificates of `make certs`; loopback only
	@mkdir -p .demo
	node dist/kubeblame-webhook.js serve --db .demo/ledger.db --tls-cert certs/local/tls.crt --tls-key certs/local/tls.key

bench: build ## Measure what is built: admission, cost, a burst, reading, bytes, the CLI's start (BENCH=admission for one)
	node scripts/run-bundled.mjs webhook/testing/bench/main.ts $(BENCH)
	node scripts/run-bundled.mjs plugin/bench/start.ts

certs: $(INSTALLED) ## Make a CA and a serving certificate in certs/local, unless valid ones are there
	npx tsx certs/make-certs.ts

build: $(INSTALLED) ## Bundle both programs into dist/
	npm run --silent build

plugin: $(INSTALLED) ## Bundle kubectl-blame alone, into dist/plugin
	node -e "import('./scripts/build.mjs').then(({ buildPlugin }) => buildPlugin('$(CURDIR)', '$(CURDIR)/dist/plugin'))"
	@echo 'dist/plugin/kubectl-blame.cjs; with the .cjs files beside it, it runs wherever Node does'

release: $(INSTALLED) ## Archives of the plugin, and a manifest for krew, into dist/release; URL=where they will be
	node scripts/release.mjs '$(URL)'

image: ## Build the container image, IMAGE=kubeblame:dev unless given
	docker build -t $(IMAGE) .

deploy: ## Install IMAGE into kubectl's current cluster; CLUSTER=its name, WITH=native-api,cert-manager,protection,jobs
	IMAGE='$(IMAGE)' CLUSTER='$(CLUSTER)' WITH='$(WITH)' node scripts/deployment.mjs
	kubectl apply -k dist/deploy
	kubectl -n kubeblame rollout status statefulset/kubeblame --timeout=3m

chart: $(INSTALLED) ## Make the Helm chart in manifests/chart from the kustomize manifests
	node scripts/chart.mjs

# First of all the APIService, and the right to make it again: while it is there and nobody answers, no namespace can be
# deleted. Then the protection, which would refuse the rest. Both may be of overlays that were never installed, and policies
# of a Kubernetes that has none. What is in the namespace goes with it; the registration is collected some time after.
undeploy: ## Remove Kubeblame and all its overlays from kubectl's current cluster, its ledger included
	kubectl delete --ignore-not-found clusterrolebinding kubeblame-apiservice
	kubectl delete --ignore-not-found apiservice v1alpha1.kubeblame.io
	-kubectl delete --ignore-not-found validatingadmissionpolicybinding kubeblame-protection
	-kubectl delete --ignore-not-found validatingadmissionpolicy kubeblame-protection
	kubectl delete --ignore-not-found -k manifests/overlays/native-api
	kubectl delete --ignore-not-found validatingwebhookconfiguration kubeblame

clean: ## Remove what was built and measured; keeps node_modules, .node/, certs/local and .demo/
	rm -rf dist coverage

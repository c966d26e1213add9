# The two commands that matter: `cargo run --release -- demo`, and `make test`.

.PHONY: advisories bench bench-rules bench-webhooks board-pictures chart dashboards deny docs drill format fuzz lint-chart \
	lint-compose lint-ops lint-workflows mutants packages soak test test-all test-prometheus3 tools try try-chart try-image try-packages try-readme

# Everything that must hold: formatting, lints and all tests, those of the alert rules among them.
# `--all-targets` leaves out what `cargo test` leaves out, which is the soak. `--workspace` stands everywhere: without it some
# crates have other features, and Cargo builds a second time what needs them.
test: tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace --locked --test soak -- -D warnings
	cargo test --workspace --locked
	./tests/alerts/check

# The same, and that the tests of the alert rules are good ones. For whoever changes the rules or their tests.
test-all: test mutants

# The alert rules and boards with Prometheus 3 and a current Alertmanager; `make test` has Debian's, which are 2 and 0.25. Needs Go,
# and builds them once.
test-prometheus3: tools
	prometheus="$$(./scripts/install-prometheus3)" && alertmanager="$$(./scripts/install-alertmanager)" && \
		PATH="$$prometheus:$$alertmanager:$$PATH" && export PATH && \
		./tests/alerts/check && \
		cargo test --workspace --locked --test live

# Breaks the alert rules in hundreds of small ways, and expects a test to notice each; also that those which are
# allowed to go unnoticed still do. Takes an hour or more on two cores.
mutants: tools
	cargo xtask mutants

# Lints rules and boards with the linters of Prometheus, Cloudflare and Grafana, and checks the boards' options against Grafana's
# SDK and schema. Needs Go and Node, and builds or installs what it lacks.
lint-ops: tools
	./scripts/lint-ops

# Checks the Helm chart with Helm 3 and 4, the schemas of Kubernetes and the types of the Prometheus operator. Needs Go and Python, and
# builds or installs what it lacks. UPDATE=1 rewrites the golden renders in tests/chart.
lint-chart: tools
	./scripts/lint-chart

# Checks deploy/compose against the Compose specification, by its authors' program. Needs Go, and builds that once.
lint-compose:
	@compose="$$(./scripts/go-install target/lint-compose github.com/compose-spec/compose-go/v2 v2.16.2 github.com/compose-spec/compose-go/v2/cmd)" && \
		cd deploy/compose && "$$compose" compose.yaml >/dev/null && echo "make lint-compose: all is well"

# Starts what deploy/compose starts, without containers and Grafana. Ctrl-C stops all. `make try ARGS=--once` ends once all is up and
# a mail has come, and fails after 15 minutes.
try: tools
	@./scripts/try $(ARGS)

# Draws the boards as Grafana shows them, and takes pictures of the exporter's pages, into target/board-pictures. Needs Node and
# Chromium. For some of it: `make board-pictures ARGS="nectar-overview pages"`.
board-pictures: tools
	./scripts/board-pictures $(ARGS)

# Thousands of polls and scrapes against a simulated Nectar that fails at random. Takes ten minutes or more.
SEED ?= 1
POLLS ?= 20000
soak:
	cargo test --release --locked --test soak -- --seed $(SEED) --polls $(POLLS)

# Hundreds of logins break and are mended while exporter, Prometheus and Alertmanager go away and come back; counts who was
# told what. Takes over an hour, and is about time: the machine should have little else to do. Alertmanager must be 0.30 or later:
# where there is Go, it is built.
EPISODES ?= 500
drill: tools
	if command -v go >/dev/null; then alertmanager="$$(./scripts/install-alertmanager)" && PATH="$$alertmanager:$$PATH" && export PATH; fi && \
		cargo test --release --workspace --locked --test drill -- --seed $(SEED) --episodes $(EPISODES)

# Runs the commands of the README and of the pages on use in a clean clone. Needs curl, openssl and htpasswd.
try-readme:
	./scripts/try-readme $(ARGS)

# Installs what the tests need and this machine lacks.
tools:
	@./scripts/install-test-tools

format:
	cargo fmt --all

# Rewrites the reference pages, the README's table of flags, the golden scrapes and worklists from the code.
docs:
	UPDATE=1 cargo test --locked --test exporter -- pages golden worklist the_form_of_the_file

# Rewrites the Grafana boards from the code, and the chart's copies of them.
dashboards:
	cargo xtask dashboards
	cargo xtask chart

# Rewrites what the Helm chart has from elsewhere: boards, rules, thresholds, versions, and its README's table of values.
chart:
	cargo xtask chart

# Checks the licences and sources of all crates. Installs cargo-deny into target/, which takes some minutes once.
deny:
	@[ -x target/tools/bin/cargo-deny ] || cargo install --locked --quiet --root target/tools cargo-deny@0.20.2
	target/tools/bin/cargo-deny --all-features check licenses bans sources

# The same, and known weaknesses of the crates. Their database comes from outside the package registry.
advisories: deny
	target/tools/bin/cargo-deny --all-features check advisories

# Lints the forge's workflows, the update bot's settings and the issue forms. Needs Go, pip and shellcheck.
lint-workflows:
	./scripts/lint-workflows

# Builds the .deb and the .rpm of this machine's architecture into target/packages. Installs cargo-deb, cargo-generate-rpm and cargo-about
# into target/, which takes some minutes once.
packages:
	./scripts/build-packages

# Installs, runs, upgrades and removes the packages in a clean Debian. For root, on Debian or Ubuntu.
try-packages:
	./scripts/try-packages

# Installs the chart in a Kubernetes of its own, with a simulated Nectar. Needs Docker, kind, kubectl and Helm.
try-chart:
	./scripts/try-chart

# Builds the image from the Dockerfile, with no registry, and the packages' program; runs it. For root, on Debian or Ubuntu.
try-image: packages
	./scripts/try-image

# How long each fuzz target runs.
FUZZ_SECONDS ?= 600

# Feeds arbitrary bytes to what reads from outside. Needs cargo-fuzz and a nightly compiler: see CONTRIBUTING.md.
fuzz:
	@for target in decode storage web_config webhook; do \
		mkdir -p fuzz/corpus/$$target && \
		cargo +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-dict=fuzz/dictionaries/$$target.dict -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit; \
	done

# Measures an exporter with 100,000 connections beside nginx and a bare client, and prints one table. Takes about twenty minutes. For a tenth of it: `make bench ARGS=--quick`; for single rows: `make bench ARGS="plain gzip"`.
bench: tools
	BENCH_NGINX="$$(./scripts/install-bench-tools)" && export BENCH_NGINX && cargo bench --locked --bench fleet -- $(ARGS)

# Measures how soon a change is in the metrics, with polls alone and with webhooks, in real time. Takes twenty minutes; or so many as are
# given: `make bench-webhooks ARGS=5`.
bench-webhooks: tools
	cargo bench --locked --bench webhooks -- $(ARGS)

# Measures what the alert rules and Alertmanager cost with 100,000 connections, in Prometheus 3. Takes about twenty minutes.
bench-rules: tools
	cargo build --release --locked
	PATH="$$(./scripts/install-prometheus3):$$PATH" ./scripts/measure-rules

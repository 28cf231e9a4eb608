# Not Node 24: from 24.19 on the better-sqlite3 that still runs on Node 20 aborts there (docs/support.md).
# The full image has the compiler that better-sqlite3 needs where it finds no binary for the platform.
FROM node:22-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
COPY shared/ shared/
COPY webhook/ webhook/
COPY plugin/ plugin/
COPY certs/ certs/
RUN npm run build && npm prune --omit=dev

# The same distribution, so that what was compiled above finds its C library.
FROM node:22-bookworm-slim
# glibc keeps memory for each thread by itself: with two such heaps it is ten megabytes less.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules/ node_modules/
COPY --from=build /app/dist/ dist/
COPY LICENSE ./
# By number: Kubernetes cannot see that a name is not root's.
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["node", "/app/dist/kubeblame-webhook.js"]

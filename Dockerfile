# Built by: docker build --tag gramfleet .   Runs: docker run gramfleet worker, with .env.example's variables.

# The same base for both stages. To have it never change under you, add its digest: docker buildx imagetools inspect.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

# TypeScript and libraries to few files of JavaScript, with everything that this takes.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# By the lock file, and without failing where it lacks the optional packages of other kinds of machine.
RUN npm install --no-save --omit=dev --ignore-scripts --no-audit --no-fund
COPY . .
RUN node bin/build.mjs --image && node bin/keep-libraries.mjs

# What runs against PostgreSQL, Redis and Telegram of your own: nothing embedded, nothing emulated, nothing to install with.
FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9464 \
    API_HOST=0.0.0.0 \
    BOT_HOST=0.0.0.0
WORKDIR /app
COPY package.json ./
COPY --from=build /app/node_modules node_modules
COPY bin/gramfleet.mjs bin/healthcheck.mjs bin/
COPY --from=build /app/dist dist
# The base's user node, by number, so that Kubernetes sees that it is not root.
USER 1000:1000
EXPOSE 9464 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "bin/healthcheck.mjs"]
ENTRYPOINT ["node", "bin/gramfleet.mjs"]
CMD ["--help"]

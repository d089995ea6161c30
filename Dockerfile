# Build: TypeScript and libraries to few files of JavaScript, with everything that takes.
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# By the lock file, and without failing where it lacks the optional packages of other kinds of machine.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

# What runs against PostgreSQL, Redis and Telegram of your own: nothing embedded, nothing emulated.
FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY bin/gramfleet.mjs bin/gramfleet.mjs
COPY --from=build /app/dist dist
USER node
EXPOSE 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/gramfleet.mjs"]
CMD ["--help"]

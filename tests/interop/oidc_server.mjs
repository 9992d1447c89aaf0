// An OpenID provider of its own (npm's oidc-provider), and a conda channel that lets its access tokens in.
//
// node oidc_server.mjs PORT; it lies beside the node_modules that it is run with. What a test needs besides OAuth:
//   POST /test/login?client=ID   what a login in the browser would end with: the token endpoint's answer
//   GET  /channel/...            200 with a good access token, 401 with any other, and noted
//   GET  /test/seen              what came to the channel and to the token endpoint, as JSON

import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const LIFETIMES = { "lives-long": 3600, "lives-short": 60 };
const LIFETIME = 3600;
const seen = [];

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const PUBLIC = { token_endpoint_auth_method: "none", application_type: "native", response_types: ["code"] };
// Those of which the device code or the authorization code lives as long as the name says.
const HASTY = { "rattler-3s": 3 };

const provider = new Provider(issuer, {
  clients: [
    ...Object.keys(LIFETIMES).map((id) => ({
      ...PUBLIC,
      client_id: id,
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["http://127.0.0.1/done"],
    })),
    ...["rattler", ...Object.keys(HASTY)].map((id) => ({
      ...PUBLIC,
      client_id: id,
      grant_types: ["authorization_code", "refresh_token", DEVICE_CODE],
      redirect_uris: ["http://127.0.0.1"],
    })),
    {
      client_id: "confidential",
      client_secret: "s3cret-client/%+ of the test",
      application_type: "native",
      grant_types: ["authorization_code", "refresh_token", DEVICE_CODE],
      response_types: ["code"],
      redirect_uris: ["http://127.0.0.1"],
    },
  ],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: { revocation: { enabled: true }, deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  scopes: ["openid", "offline_access"],
  ttl: {
    AccessToken: (_, token, client) => LIFETIMES[client.clientId] ?? LIFETIME,
    AuthorizationCode: (_, token, client) => HASTY[client.clientId] ?? 60,
    DeviceCode: (_, token, client) => HASTY[client.clientId] ?? 600,
  },
});

async function login(clientId) {
  const client = await provider.Client.find(clientId);
  const owner = { accountId: "ada", clientId };
  const grant = new provider.Grant(owner);
  grant.addOIDCScope("openid offline_access");
  const about = { accountId: "ada", client, grantId: await grant.save(), scope: "openid offline_access", gty: "authorization_code" };
  const refresh = new provider.RefreshToken({ ...about, rotations: 0, iiat: Math.floor(Date.now() / 1000) });
  const access = new provider.AccessToken(about);
  return { access_token: await access.save(), refresh_token: await refresh.save(), expires_in: LIFETIMES[clientId] };
}

async function isLetIn(header) {
  const [, token] = /^Bearer (.+)$/.exec(header) ?? [];
  const found = token && (await provider.AccessToken.find(token));
  return Boolean(found && found.isValid);
}

provider.use(async (ctx, next) => {
  if (ctx.path === "/test/login") {
    ctx.body = await login(ctx.query.client);
  } else if (ctx.path === "/test/seen") {
    ctx.body = seen.splice(0);
  } else if (ctx.path.startsWith("/channel/")) {
    ctx.status = (await isLetIn(ctx.get("Authorization"))) ? 200 : 401;
    ctx.body = ctx.status === 200 ? { info: { subdir: "noarch" }, packages: {}, "packages.conda": {} } : {};
    seen.push({ what: "channel", status: ctx.status, header: ctx.get("Authorization") });
  } else {
    await next();
    if (ctx.path === "/token") seen.push({ what: "token", status: ctx.status, error: ctx.body?.error ?? null });
  }
});

provider.listen(port, "127.0.0.1");

-- Once, as the owner of the database: the two roles, and who did what.

CREATE ROLE app_ro LOGIN;	-- no password: a certificate is the only way
CREATE ROLE app_rw LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app_ro, app_rw;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_rw;

CREATE SCHEMA jit;
CREATE EXTENSION sslinfo SCHEMA jit;

-- The id of the request that this session's certificate was issued for.  The
-- sixth extension has it.  No look at those after it: sslinfo fails on one that
-- OpenSSL has no words for, as the one by which jit-cert names the grant.
CREATE FUNCTION jit.request() RETURNS text LANGUAGE sql STABLE AS $$
	SELECT substring((x.e).value FROM 'URI:urn:jit:grant:([0-9A-Z]{26})')
	FROM (SELECT jit.ssl_extension_info() AS e LIMIT 6) x
	WHERE (x.e).name = 'subjectAltName'
$$;

-- A serial as the other tools print it, hex, as pg_stat_ssl has it, decimal.
CREATE FUNCTION jit.serial(hex text) RETURNS numeric LANGUAGE sql IMMUTABLE
STRICT AS $$
	SELECT sum(get_byte(b, length(b) - n) * 256::numeric ^ (n - 1))
	FROM decode(hex, 'hex') b, generate_series(1, length(b)) n
$$;

CREATE VIEW jit.sessions AS
	SELECT pid, usename, backend_start, state, client_dn, client_serial
	FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
	WHERE client_serial IS NOT NULL;

-- Writes, beside the data and under the request's id.  app_rw cannot touch
-- this table: the trigger writes as its owner.
CREATE TABLE jit.done (
	at timestamptz DEFAULT now(),
	request text DEFAULT jit.request(),
	serial numeric DEFAULT jit.ssl_client_serial(),
	dn text DEFAULT jit.ssl_client_dn(),
	who text DEFAULT session_user,
	did text
);
CREATE FUNCTION jit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
	INSERT INTO jit.done (did)
	    VALUES (TG_OP || ' ' || TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
	RETURN NULL;
END
$$;
CREATE TRIGGER jit AFTER INSERT OR UPDATE OR DELETE ON payments
	FOR EACH STATEMENT EXECUTE FUNCTION jit.note();

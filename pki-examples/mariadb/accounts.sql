-- An account for a person and a role, both in its name: all that the audit log
-- knows of who it was.  The certificate is the only key to it, so no password.
--
-- SUBJECT is compared as text, in the order that the certificate has it; ISSUER
-- is the CA:  openssl x509 -in client-ca.pem -noout -subject \
--     -nameopt compat
-- REQUIRE SSL would let anybody in, REQUIRE X509 every certificate of the CA.
CREATE USER 'alice-read'
	REQUIRE SUBJECT '/CN=alice/O=app-read' AND ISSUER '/CN=jit.example.com-x509-ca';
GRANT SELECT ON app.* TO 'alice-read';

CREATE USER 'alice-write'
	REQUIRE SUBJECT '/CN=alice/O=app-write' AND ISSUER '/CN=jit.example.com-x509-ca';
GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'alice-write';

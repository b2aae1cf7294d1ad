-- Made anew whenever this text changes. {postgis} is the schema that the extension is in; every name is written with its schema,
-- and each function pins its search path, so that nothing an editor makes can stand in for what is meant.

-- Functions of an older version, which knew no accounts.
DROP FUNCTION IF EXISTS geo_risk.log_edit(text, text, text, text, bytea, text);
DROP FUNCTION IF EXISTS geo_risk.edit_batch();

-- A field with its length before it, as layers/_store/chain.py writes it.
CREATE OR REPLACE FUNCTION geo_risk.netstring(field bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce(convert_to(length(field)::text || ':', 'UTF8') || field || ','::bytea, '-,'::bytea);

CREATE OR REPLACE FUNCTION geo_risk.netstring(field text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN geo_risk.netstring(convert_to(field, 'UTF8'));

-- JSON text of a value, as Python writes it.
CREATE OR REPLACE FUNCTION geo_risk.json_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN to_json(value)::text;

-- The shortest digits that read back as the number, as Python's repr finds them. Above 2^53 a number half way between two
-- neighbours may have a shorter text than PostgreSQL gives: Python takes it where it reads back as the number.
CREATE OR REPLACE FUNCTION geo_risk.shortest_digits(value double precision) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    digits numeric := value::text::numeric;
    kept integer;
    candidate numeric;
BEGIN
    IF abs(value) < 9007199254740992 THEN
        RETURN digits;
    END IF;
    -- places before the point that one digit less leaves as zeros
    kept := length(trim(trailing '0' FROM digits::text)) - length(digits::text) - 1;
    FOREACH candidate IN ARRAY ARRAY[trunc(digits, kept), trunc(digits, kept) + sign(digits) * 10::numeric ^ (-kept)] LOOP
        IF abs(candidate) <= 1.7976931348623157e308 AND candidate::double precision = value THEN
            RETURN trunc(candidate);
        END IF;
    END LOOP;
    RETURN digits;
END $$;

CREATE OR REPLACE FUNCTION geo_risk.json_float(value double precision) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    size double precision := abs(value);
    told text;
    exponent integer;
BEGIN
    IF size = 0 OR (size >= 1e-4 AND size < 1e16) THEN
        told := geo_risk.shortest_digits(value)::text;
        RETURN CASE WHEN strpos(told, '.') = 0 THEN told || '.0' ELSE told END;
    END IF;
    IF size < 1e-4 THEN
        RETURN value::text;
    END IF;
    told := trim(trailing '0' FROM abs(geo_risk.shortest_digits(value))::text);
    exponent := length(geo_risk.shortest_digits(size)::text) - 1;
    RETURN CASE WHEN value < 0 THEN '-' ELSE '' END || left(told, 1)
        || CASE WHEN length(told) > 1 THEN '.' || substr(told, 2) ELSE '' END || 'e+' || lpad(exponent::text, greatest(2, length(exponent::text)), '0');
END $$;

CREATE OR REPLACE FUNCTION geo_risk.json_whole(value bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN value::text;

CREATE OR REPLACE FUNCTION geo_risk.json_bool(value boolean) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN value THEN 'true' ELSE 'false' END;

CREATE OR REPLACE FUNCTION geo_risk.iso_date(value date) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN lpad(extract(year FROM value)::text, 4, '0') || '-' || lpad(extract(month FROM value)::text, 2, '0')
    || '-' || lpad(extract(day FROM value)::text, 2, '0');

-- A shape of one part is stored as that part: little-endian WKB in two dimensions.
CREATE OR REPLACE FUNCTION geo_risk.wkb(shape {postgis}.geometry) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN {postgis}.st_asbinary(
    CASE WHEN {postgis}.st_numgeometries(shape) = 1 THEN {postgis}.st_geometryn(shape, 1) ELSE shape END, 'NDR'
);

-- What is wrong with a shape, or null. No number is greater than PostgreSQL's NaN, so NaN is off the globe.
CREATE OR REPLACE FUNCTION geo_risk.misplaced(shape {postgis}.geometry, one_part boolean, optional boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF shape IS NULL OR {postgis}.st_isempty(shape) THEN
        RETURN CASE WHEN shape IS NULL AND optional THEN NULL ELSE 'a place' END;
    END IF;
    IF one_part AND {postgis}.st_numgeometries(shape) > 1 THEN
        RETURN 'one point';
    END IF;
    IF {postgis}.st_npoints(shape) > 100000 THEN
        RETURN 'at most 100000 positions';
    END IF;
    IF EXISTS (
        SELECT FROM {postgis}.st_dumppoints(shape) AS place
        WHERE abs({postgis}.st_x(place.geom)) > 180 OR abs({postgis}.st_y(place.geom)) > 90
    ) OR EXISTS (SELECT FROM {postgis}.st_dump(shape) AS part WHERE {postgis}.st_isempty(part.geom)) THEN
        RETURN 'longitude -180 to 180, latitude -90 to 90';
    END IF;
    RETURN CASE WHEN {postgis}.st_isvalid(shape) THEN NULL ELSE 'a border that does not cross itself' END;
END $$;

-- A text as a clerk means it: without blanks at its ends, and null where nothing is left or a dash stands for nothing.
CREATE OR REPLACE FUNCTION geo_risk.meant(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN btrim(value, {blanks}) = ANY (ARRAY['', {dashes}]) THEN NULL ELSE btrim(value, {blanks}) END;

-- Refuse a value, saying what the layer declares; the value itself is not repeated.
CREATE OR REPLACE FUNCTION geo_risk.refuse(layer text, named text, expected text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a value breaks the layer''s rules; where: layer %, column %; expected: %', layer, named, expected
        USING ERRCODE = 'check_violation', HINT = 'Nothing was stored. Mend the value, then save again.';
END $$;

-- Take the log's lock, as every writer does; it is held until the transaction ends, so the transaction's idle time is bounded.
CREATE OR REPLACE FUNCTION geo_risk.lock_log() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- such a transaction goes on seeing the log as it was before it waited for the lock
        RAISE EXCEPTION 'edits are made in transactions that are read committed'
            USING ERRCODE = 'feature_not_supported', HINT = 'Nothing was stored. Set the transaction''s isolation, then save again.';
    END IF;
    PERFORM set_config('lock_timeout', '30s', true), set_config('idle_in_transaction_session_timeout', '30s', true),
        set_config('synchronous_commit', 'on', true);
    LOCK TABLE geo_risk.edits IN EXCLUSIVE MODE;
END $$;

-- Who edits: the account of this session's login, if it may read the layer through these views; else nothing is shown or changed.
CREATE OR REPLACE FUNCTION geo_risk.editor(layer text, sensitivity text, always boolean, needed text) RETURNS geo_risk.accounts
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kinds text[] := {sensitivities};
    found geo_risk.accounts;
BEGIN
    SELECT a.* INTO found FROM geo_risk.accounts a JOIN geo_risk.editors e ON e.account_id = a.id
    WHERE e.login = session_user AND a.disabled = 0;
    IF found.id IS NULL THEN
        RAISE EXCEPTION 'this login belongs to no account; where: login %; expected: an account that is let in; got: none', session_user
            USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was shown or stored. An admin names its account: geo-risk gis add.';
    END IF;
    IF array_position(kinds, found.clearance) < array_position(kinds, needed) THEN
        RAISE EXCEPTION 'these views show more than this account may read; where: layer %; expected: clearance %; got: %',
            layer, needed, found.clearance
            USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was shown or stored. Use the schema of views for this clearance.';
    END IF;
    IF array_position(kinds, found.clearance) < array_position(kinds, sensitivity)
        OR NOT (always OR found.reads IS NULL OR jsonb_exists(found.reads::jsonb, layer))
    THEN
        RAISE EXCEPTION 'this account may not read this; where: this view; expected: a layer of its own; got: another'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was shown or stored. Ask an admin.';
    END IF;
    RETURN found;
END $$;

REVOKE ALL ON FUNCTION geo_risk.editor(text, text, boolean, text) FROM PUBLIC;

-- The same as a condition of a view: asked once a query, and an error where it is not so, for an empty map looks like a safe one.
CREATE OR REPLACE FUNCTION geo_risk.may_read(layer text, sensitivity text, always boolean, needed text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (geo_risk.editor(layer, sensitivity, always, needed)).id IS NOT NULL;
END $$;

-- Stop an account that may not change the layer anywhere.
CREATE OR REPLACE FUNCTION geo_risk.require_layer(editor geo_risk.accounts, layer text, needed text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    roles text[] := {roles};
BEGIN
    IF array_position(roles, editor.role) < array_position(roles, needed)
        OR NOT (editor.writes IS NULL OR jsonb_exists(editor.writes::jsonb, layer))
    THEN
        RAISE EXCEPTION 'this account may not change this layer; where: layer %; expected: role % or above, and a grant; got: role %',
            layer, needed, editor.role USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was stored. Ask an admin.';
    END IF;
END $$;

-- The areas of a grant (JSON, as accounts keep it) that there are: code, how many digits of it all within share, shape.
CREATE OR REPLACE FUNCTION geo_risk.areas_of(areas text)
RETURNS TABLE (layer text, fid text, code text, digits integer, geometry bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
{areas}
$$;

-- Whether all of a feature lies within a grant's areas, their borders included; one without a place goes by its code.
CREATE OR REPLACE FUNCTION geo_risk.lies_within(areas text, place bytea, code text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shape {postgis}.geometry := {postgis}.st_geomfromwkb(place, 4326);
BEGIN
    IF shape IS NULL OR {postgis}.st_isempty(shape) THEN
        RETURN EXISTS (SELECT FROM geo_risk.areas_of(areas) a WHERE left(a.code, a.digits) = left(lies_within.code, a.digits));
    END IF;
    RETURN coalesce((
        SELECT {postgis}.st_covers({postgis}.st_collectionextract({postgis}.st_union(
            {postgis}.st_makevalid({postgis}.st_geomfromwkb(a.geometry, 4326)) ORDER BY a.layer, a.fid
        ), 3), shape) FROM geo_risk.areas_of(areas) a WHERE a.geometry IS NOT NULL
    ), false);
END $$;

-- Stop an account that may not change things where the feature is; null says that its place cannot be known here.
CREATE OR REPLACE FUNCTION geo_risk.require_within(layer text, inside boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF inside IS NOT TRUE THEN
        RAISE EXCEPTION 'this account may not change things here; where: layer %; expected: a feature that lies within the account''s areas; got: %',
            layer, CASE WHEN inside IS NULL THEN 'one whose place is known on the map only' ELSE 'one that does not, or whose place is not known' END
            USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was stored. Ask whoever may change things there, or edit it on the map.';
    END IF;
END $$;

-- Stop an account that is limited to areas from changing what areas are measured by.
CREATE OR REPLACE FUNCTION geo_risk.require_measures_alike(layer text, alike boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF alike IS NOT TRUE THEN
        RAISE EXCEPTION 'this account may not change what its limits are measured by; where: layer %; expected: the shape and the code that there are; got: others',
            layer USING ERRCODE = 'insufficient_privilege', HINT = 'Nothing was stored. Ask whoever may change things everywhere.';
    END IF;
END $$;

-- Tell of a rule that does not hold and rejects nothing, as an import's report does.
CREATE OR REPLACE FUNCTION geo_risk.warn(layer text, named text, expected text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE WARNING 'stored, but look again; where: layer %, column %; expected: %', layer, named, expected;
END $$;

-- What is tried on the views of a layer whose rules PostgreSQL cannot hold an edit to.
CREATE OR REPLACE FUNCTION geo_risk.edited_on_the_map() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'this layer is edited on the map; where: %; expected: a layer whose rules can be kept here; got: one with a rule that cannot', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported', HINT = 'Nothing was stored. Make the change on the map, or over HTTP.';
END $$;

-- This moment as the log writes it, never before one that it holds.
CREATE OR REPLACE FUNCTION geo_risk.stamp_after(earlier text) RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN greatest(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') COLLATE "C", earlier COLLATE "C");

-- Append an edit to the audit, chained as layers/_store/audit.py chains it. Who and from where: the account, the login, the
-- address of the connection and the name its program gave; no value of the feature.
CREATE OR REPLACE FUNCTION geo_risk.note_edit(editor geo_risk.accounts, batch_id bigint, layer text, op text, seq bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stated text := (SELECT value FROM geo_risk.meta WHERE key = 'audit_head');
    last geo_risk.audit;
    entry geo_risk.audit;
BEGIN
    SELECT * INTO last FROM geo_risk.audit ORDER BY id DESC LIMIT 1;
    IF stated IS DISTINCT FROM last.id || ':' || encode(last.hash, 'hex') THEN
        RAISE EXCEPTION 'the audit does not end at the head it states' USING ERRCODE = 'data_corrupted', HINT = 'Run geo-risk verify.';
    END IF;
    entry.id := coalesce(last.id, 0) + 1;
    entry.at := geo_risk.stamp_after(last.at);
    entry.actor := editor.name;
    entry.address := coalesce(host(inet_client_addr()), 'local socket');
    entry.action := 'edited in a GIS';
    entry.subject := 'layer ' || layer;
    entry.outcome := 'ok';
    entry.detail := '{"application":' || geo_risk.json_text(current_setting('application_name')) || ',"login":' || geo_risk.json_text(session_user)
        || ',"op":' || geo_risk.json_text(op) || ',"revision":' || seq || '}';
    entry.batch_id := batch_id;
    entry.hash := sha256(
        geo_risk.netstring(coalesce(last.hash, {genesis})) || geo_risk.netstring(entry.id::text) || geo_risk.netstring(entry.at)
        || geo_risk.netstring(entry.actor) || geo_risk.netstring(entry.address) || geo_risk.netstring(entry.action)
        || geo_risk.netstring(entry.subject) || geo_risk.netstring(entry.outcome) || geo_risk.netstring(entry.detail)
        || geo_risk.netstring(entry.batch_id::text)
    );
    INSERT INTO geo_risk.audit SELECT entry.*;
    INSERT INTO geo_risk.meta (key, value) VALUES ('audit_head', entry.id || ':' || encode(entry.hash, 'hex'))
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
END $$;

-- The batch of this transaction's edits: recorded with the first of them.
CREATE OR REPLACE FUNCTION geo_risk.edit_batch(editor geo_risk.accounts) RETURNS geo_risk.batches
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch geo_risk.batches;
    last geo_risk.batches;
BEGIN
    SELECT b.* INTO batch FROM geo_risk.batches b JOIN geo_risk.edits e ON e.batch_id = b.id WHERE e.xid = pg_current_xact_id();
    IF NOT FOUND THEN
        SELECT * INTO last FROM geo_risk.batches ORDER BY id DESC LIMIT 1;
        INSERT INTO geo_risk.batches (id, actor, reason, source, file_sha256, note, recorded_at) VALUES (
            coalesce(last.id, 0) + 1, editor.name, 'edited in a GIS', 'gis', NULL, '', geo_risk.stamp_after(last.recorded_at)
        ) RETURNING * INTO batch;
        DELETE FROM geo_risk.edits;
        INSERT INTO geo_risk.edits (xid, batch_id) VALUES (pg_current_xact_id(), batch.id);
    END IF;
    RETURN batch;
END $$;

-- Append one revision to the log: numbered, chained, the head stated, the audit told, other processes told at commit.
CREATE OR REPLACE FUNCTION geo_risk.log_edit(
    editor geo_risk.accounts, layer text, fid text, op text, properties text, geometry bytea, source text, OUT seq bigint, OUT recorded_at text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head text := (SELECT value FROM geo_risk.meta WHERE key = 'head');
    previous bytea := decode(split_part(head, ':', 2), 'hex');
    batch geo_risk.batches;
    stated text;
    linked bytea;
BEGIN
    seq := split_part(head, ':', 1)::bigint + 1;
    IF seq > 1 AND NOT EXISTS (SELECT FROM geo_risk.revisions r WHERE r.seq = log_edit.seq - 1 AND r.hash = previous) THEN
        RAISE EXCEPTION 'the log does not end at the head it states'
            USING ERRCODE = 'data_corrupted', HINT = 'Run geo-risk verify.';
    END IF;
    batch := geo_risk.edit_batch(editor);
    recorded_at := batch.recorded_at;
    stated := nullif(log_edit.source, batch.source);
    linked := sha256(
        geo_risk.netstring(previous) || geo_risk.netstring(seq::text) || geo_risk.netstring(sha256(
            geo_risk.netstring(batch.id::text) || geo_risk.netstring(batch.actor) || geo_risk.netstring(batch.reason)
            || geo_risk.netstring(batch.source) || geo_risk.netstring(batch.file_sha256) || geo_risk.netstring(batch.note)
            || geo_risk.netstring(batch.recorded_at)
        )) || geo_risk.netstring(layer) || geo_risk.netstring(fid) || geo_risk.netstring(op) || geo_risk.netstring(properties)
        || geo_risk.netstring(geometry)
        || CASE WHEN stated IS NULL THEN ''::bytea ELSE geo_risk.netstring(stated) || '-,-,'::bytea END
    );
    INSERT INTO geo_risk.revisions (seq, batch_id, layer, fid, op, properties, geometry, hash, source)
    VALUES (seq, batch.id, layer, fid, op, properties, geometry, linked, stated);
    UPDATE geo_risk.meta SET value = log_edit.seq || ':' || encode(linked, 'hex') WHERE key = 'head';
    PERFORM geo_risk.note_edit(editor, batch.id, layer, op, seq);
    PERFORM pg_notify('geo_risk', seq::text);
END $$;

-- Made anew whenever this text changes. {postgis} is the schema that the extension is in; every name is written with its schema,
-- and each function pins its search path, so that nothing an editor makes can stand in for what is meant.

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

-- The batch of this transaction's edits: recorded with the first of them.
CREATE OR REPLACE FUNCTION geo_risk.edit_batch() RETURNS geo_risk.batches
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch geo_risk.batches;
    last geo_risk.batches;
BEGIN
    SELECT b.* INTO batch FROM geo_risk.batches b JOIN geo_risk.edits e ON e.batch_id = b.id WHERE e.xid = pg_current_xact_id();
    IF NOT FOUND THEN
        SELECT * INTO last FROM geo_risk.batches ORDER BY id DESC LIMIT 1;
        INSERT INTO geo_risk.batches (id, actor, reason, source, file_sha256, note, recorded_at) VALUES (
            coalesce(last.id, 0) + 1, session_user, 'edited in a GIS', 'gis', NULL, '',
            greatest(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') COLLATE "C", last.recorded_at)
        ) RETURNING * INTO batch;
        DELETE FROM geo_risk.edits;
        INSERT INTO geo_risk.edits (xid, batch_id) VALUES (pg_current_xact_id(), batch.id);
    END IF;
    RETURN batch;
END $$;

-- Append one revision to the log: numbered, chained, the head stated, other processes told at commit.
CREATE OR REPLACE FUNCTION geo_risk.log_edit(
    layer text, fid text, op text, properties text, geometry bytea, source text, OUT seq bigint, OUT recorded_at text
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
    batch := geo_risk.edit_batch();
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
    PERFORM pg_notify('geo_risk', seq::text);
END $$;

-- What an edit of one feature of a layer does through one window of views; names in braces are filled from the layer's
-- declaration (layers/_store/views.py).
CREATE OR REPLACE FUNCTION geo_risk.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $edit$
DECLARE
    editor geo_risk.accounts;
    now geo_risk.{table};
    place bytea;
    fault text;
    derived_columns text;
    properties text;
    logged record;
    changed text[] := '{{}}';
    seen bigint;
BEGIN
    PERFORM geo_risk.lock_log();
    editor := geo_risk.editor({layer}, {sensitivity}, {always}, {clearance});
    PERFORM geo_risk.require_layer(editor, {layer}, {least});
    IF TG_OP = 'INSERT' THEN
        NEW.seen_revision := NULL;
        NEW.fid := coalesce(NEW.fid, 'gis:' || gen_random_uuid());
        IF NEW.fid = '' OR length(NEW.fid) > 500 OR EXISTS (SELECT FROM geo_risk.{table} t WHERE t.fid = NEW.fid) THEN
            PERFORM geo_risk.refuse({layer}, 'fid', 'an id of its own, or none: then one is given');
        END IF;
    ELSE
        SELECT * INTO now FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
        -- whoever says which revision he saw is held to it; the others saw what stood there when the statement began
        IF TG_OP = 'UPDATE' THEN
            seen := coalesce(NEW.seen_revision, NEW.revision);
            NEW.seen_revision := NULL;
            NEW.revision := OLD.revision;
        END IF;
        IF NOT FOUND OR now.revision <> OLD.revision OR now.revision <> seen THEN
            RAISE EXCEPTION 'somebody changed this feature meanwhile; where: layer %; expected: revision %; got: revision %',
                {layer}, coalesce(now.revision::text, 'none'), coalesce(seen, OLD.revision)
                USING ERRCODE = 'serialization_failure', HINT = 'Nothing was stored. Load the layer again, then edit.';
        END IF;
{was_here}
    END IF;
    IF TG_OP = 'DELETE' THEN
{measured_gone}
        SELECT * INTO logged FROM geo_risk.log_edit(editor, {layer}, OLD.fid, 'delete', NULL, NULL, now.source);
        DELETE FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND ROW({kept_new}) IS DISTINCT FROM ROW({kept_old}) THEN
        PERFORM geo_risk.refuse({layer}, {kept}, 'what the store keeps by itself');
    END IF;
{values}
{shape}
    IF TG_OP = 'UPDATE' AND changed = '{{}}' THEN
        RETURN NEW;
    END IF;
{measured}
    -- what was given by hand is derived no more
    derived_columns := (
        SELECT string_agg(d.name, ',' ORDER BY d.place) FROM unnest(string_to_array(now.derived, ',')) WITH ORDINALITY AS d (name, place)
        WHERE d.name <> ALL (changed)
    );
{derived}
{is_here}
{checks}
    NEW.source := coalesce(now.source, 'gis');
    properties := '{{' || concat_ws(',', {properties}) || '}}';
    SELECT * INTO logged FROM geo_risk.log_edit(
        editor, {layer}, NEW.fid, CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'update' END, properties, place, NEW.source
    );
    NEW.updated_at := logged.recorded_at;
    NEW.revision := logged.seq;
{told_derived}
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
    END IF;
    INSERT INTO geo_risk.{table} (fid, {names}, geometry, source, updated_at, revision)
    VALUES (NEW.fid, {stored}, place, NEW.source, NEW.updated_at, NEW.revision);
    RETURN NEW;
END $edit$

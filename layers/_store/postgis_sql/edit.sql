-- What an edit of one feature of a layer does; names in braces are filled from the layer's declaration (layers/_store/views.py).
CREATE OR REPLACE FUNCTION geo_risk.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $edit$
DECLARE
    now geo_risk.{table};
    place bytea;
    fault text;
    properties text;
    logged record;
    changed text[] := '{{}}';
BEGIN
    PERFORM geo_risk.lock_log();
    IF TG_OP = 'INSERT' THEN
        NEW.fid := coalesce(NEW.fid, 'gis:' || gen_random_uuid());
        IF NEW.fid = '' OR length(NEW.fid) > 500 OR EXISTS (SELECT FROM geo_risk.{table} t WHERE t.fid = NEW.fid) THEN
            PERFORM geo_risk.refuse({layer}, 'fid', 'an id of its own, or none: then one is given');
        END IF;
    ELSE
        SELECT * INTO now FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
        IF NOT FOUND OR now.revision <> OLD.revision THEN
            RAISE EXCEPTION 'somebody changed this feature meanwhile; where: layer %', {layer}
                USING ERRCODE = 'serialization_failure', HINT = 'Nothing was stored. Load the layer again, then edit.';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM geo_risk.log_edit({layer}, OLD.fid, 'delete', NULL, NULL, now.source);
        DELETE FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND ROW(NEW.fid, NEW.derived, NEW.source, NEW.updated_at, NEW.revision)
        IS DISTINCT FROM ROW(OLD.fid, OLD.derived, OLD.source, OLD.updated_at, OLD.revision)
    THEN
        PERFORM geo_risk.refuse({layer}, 'fid, derived, source, updated_at, revision', 'what the store keeps by itself');
    END IF;
{values}
{shape}
    IF TG_OP = 'UPDATE' AND changed = '{{}}' THEN
        RETURN NEW;
    END IF;
    -- what was given by hand is derived no more
    NEW.derived := (
        SELECT string_agg(d.name, ',' ORDER BY d.place) FROM unnest(string_to_array(now.derived, ',')) WITH ORDINALITY AS d (name, place)
        WHERE d.name <> ALL (changed)
    );
    NEW.source := coalesce(now.source, 'gis');
    properties := '{{' || concat_ws(',', {properties}) || '}}';
    SELECT * INTO logged FROM geo_risk.log_edit(
        {layer}, NEW.fid, CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'update' END, properties, place, NEW.source
    );
    NEW.updated_at := logged.recorded_at;
    NEW.revision := logged.seq;
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM geo_risk.{table} t WHERE t.fid = OLD.fid;
    END IF;
    INSERT INTO geo_risk.{table} (fid, {names}, geometry, source, updated_at, revision)
    VALUES (NEW.fid, {stored}, place, NEW.source, NEW.updated_at, NEW.revision);
    RETURN NEW;
END $edit$

-- Objects of the lake that were loaded into the warehouse.
create table if not exists market.landings (
    object_key    varchar     not null,  -- key in the lake
    sha256        varchar     not null,  -- of the object's bytes, hexadecimal
    kind          varchar     not null,  -- daily | minute | index | rates | actions | ...
    source        varchar     not null,  -- who delivered it
    feed          varchar,               -- the vendor's feed; null where there is one only
    rows          bigint      not null,  -- rows in the object
    first_session date        not null,  -- earliest session in the object
    last_session  date        not null,  -- latest session in the object
    landed_at     timestamptz not null,  -- UTC wall time of landing
    loaded_at     timestamptz not null   -- UTC wall time of loading
);                                       -- key: (object_key)

-- The rooms of the warehouse. Tables stand in warehouse/tables, one file each.
create schema if not exists market;
create schema if not exists quality;
create schema if not exists features;
create schema if not exists models;
create schema if not exists portfolio;
create schema if not exists risk;

#pragma once
// What a directory's files declare, and which of it is in force. Pure: fed with decoded files, gives changes and problems. The
// rules: of a file that cannot be read everything last read from it stays; while a file has a fault, nothing that it declared is
// taken away; an object that several files declare is the first file's, by name. One thread.
#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/manifests/decode.hpp"

namespace steelyard::manifests {

class Catalog {
public:
    struct Removal {
        size_t kind = 0;  // the index in Object
        kube::ObjectKey key;
    };
    struct Changes {
        std::vector<std::shared_ptr<const Object>> upsert;
        std::vector<Removal> remove;
        std::vector<std::string> problems;  // new ones, each a line for people
        std::vector<std::string> mended;    // those that are gone

        bool empty() const { return upsert.empty() && remove.empty() && problems.empty() && mended.empty(); }
    };

    // `directory` is what messages begin with.
    explicit Catalog(std::string directory) : directory_(std::move(directory)) {}

    void read(const std::string& file, Decoded decoded);
    void failed(const std::string& file, const Error& error);
    void removed(const std::string& file);
    // A problem of the directory as a whole; empty: none.
    void set_problem(std::string problem) { problem_ = std::move(problem); }

    Changes take();

    std::vector<std::shared_ptr<const Object>> in_force() const;
    size_t files() const { return files_.size(); }
    size_t objects() const { return in_force_.size(); }
    size_t problems() const { return said_.size(); }

private:
    struct Id {
        size_t kind = 0;
        kube::ObjectKey key;

        friend auto operator<=>(const Id&, const Id&) = default;
    };
    struct Entry {
        std::shared_ptr<const Object> object;
        std::string place;  // "document 2 (Service shop/web)"
    };
    struct File {
        std::map<Id, Entry> objects;
        std::vector<std::string> problems;
    };

    static Id id_of(const Object& object) { return {object.index(), meta_of(object).key()}; }
    std::string line(const std::string& file, const std::string& rest) const;
    void add_faults(const std::string& file, const std::vector<Fault>& faults, const File& old, File& fresh) const;
    void replace(const std::string& file, File fresh);
    std::set<std::string> standing() const;
    void decide(const Id& id, Changes& changes);

    const std::string directory_;
    std::string problem_;
    std::map<std::string, File> files_;
    std::map<Id, std::set<std::string>> declared_in_;
    std::set<Id> contested_;  // those that more than one file declares
    std::map<Id, std::shared_ptr<const Object>> in_force_;
    std::set<Id> touched_;
    std::set<std::string> said_;
};

}  // namespace steelyard::manifests

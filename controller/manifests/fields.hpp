#pragma once
// Reads typed fields from a mapping of a manifest, as strictly as the API server would: a number where a text belongs is a problem,
// not a conversion. An absent or null field leaves its default; a wrong one too, and is noted with its path.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/config/problems.hpp"
#include "controller/kube/objects.hpp"
#include "controller/manifests/yaml_tree.hpp"

namespace steelyard::manifests {

using config::Path;

// What one file's objects may cost to read in all. Aliases let a small file stand for a huge one.
struct Budget {
    size_t fields = 1'000'000;  // elements of lists and entries of mappings
};

class Fields {
public:
    static constexpr size_t kMaxFields = 256;  // no object of Kubernetes has a tenth of it

    // `node` absent or null: every field is absent. Anything else but a mapping is a problem, and so is one without end.
    Fields(YamlTree::Ref node, const Path& path, kube::Problems& problems, Budget& budget);

    void text(std::string_view name, std::string& out) const;
    void whole(std::string_view name, int64_t& out) const;
    void whole(std::string_view name, std::optional<int64_t>& out) const;
    void whole_or_text(std::string_view name, std::variant<std::monostate, int64_t, std::string>& out) const;
    void truth(std::string_view name, std::optional<bool>& out) const;
    YamlTree::Ref field(std::string_view name) const { return node_.find(name); }

    // use(element, its path) for each element of a list; use(key, value, its path) for each entry of a mapping.
    template <class Use>
    void each(std::string_view name, Use&& use) const {
        const Path path = path_ / name;
        size_t index = 0;
        for (YamlTree::Ref item = list(name, path); item.exists() && spend(); item = item.next())
            use(item, path[index++]);
    }
    template <class Use>
    void entries(std::string_view name, Use&& use) const {
        const Path path = path_ / name;
        for (YamlTree::Ref key = map(name, path); key.exists() && spend(); key = key.next().next()) {
            use(key.text(), key.next(), path / key.text());
        }
    }
    // One value that must be a text.
    void text_of(YamlTree::Ref value, const Path& path, std::string& out) const;

    YamlTree::Ref node() const { return node_; }
    const Path& path() const { return path_; }
    kube::Problems& problems() const { return problems_; }
    Budget& budget() const { return budget_; }

private:
    YamlTree::Ref list(std::string_view name, const Path& path) const;
    YamlTree::Ref map(std::string_view name, const Path& path) const;
    bool spend() const { return budget_.fields != 0 && budget_.fields-- != 0; }
    void wrong(const Path& path, std::string problem) const;

    YamlTree::Ref node_;
    const Path& path_;
    kube::Problems& problems_;
    Budget& budget_;
};

// Adds up to kube::kMaxProblems.
void add_problem(kube::Problems& problems, const Path& path, std::string problem);

}  // namespace steelyard::manifests
